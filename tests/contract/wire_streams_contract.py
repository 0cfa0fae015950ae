"""The streams of blocks, and what is open at a gateway: the same on every network."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from simulator_answers import at, codes_of, failure
from simulator_client import CHANNEL, NEWEST, OLDEST
from wire_network import Wire, WireNetwork, create_user, said
from wire_ordering_contract import TOTAL_SUPPLY
from wrong_messages import SEEKS

from streams.settings import FabricSettings

GATEWAY_LIMIT = 500


class WireStreamsContract(WireNetwork):
    """Every one closes what it opens."""

    async def test_a_stream_starts_with_the_newest_block_and_goes_on_live(self, wire: Wire) -> None:
        _, number = await wire.committed(*create_user())
        async with wire.client.stream(NEWEST) as stream:
            assert (await stream.block()).number == number
            transaction_id, _ = await wire.committed(*create_user())
            block = await stream.block()
        assert (block.number, block.channel_id, codes_of(block)) == (number + 1, CHANNEL, [(transaction_id, "VALID")])
        (action,) = block.filtered_transactions[0].transaction_actions.chaincode_actions
        event = action.chaincode_event
        assert (event.chaincode_id, event.tx_id, event.event_name, event.payload) == (
            "gxtv3",
            transaction_id,
            "UserCreated",
            b"",
        )

    async def test_a_transaction_without_an_event_has_no_chaincode_action(self, wire: Wire) -> None:
        _, number = await wire.committed(*TOTAL_SUPPLY)
        async with wire.client.stream(at(number)) as stream:
            (entry,) = (await stream.block()).filtered_transactions
        assert entry.type == common_pb2.HeaderType.ENDORSER_TRANSACTION
        assert entry.WhichOneof("Data") == "transaction_actions"
        assert list(entry.transaction_actions.chaincode_actions) == []

    async def test_block_0_holds_one_configuration_entry(self, wire: Wire) -> None:
        async with wire.client.stream(OLDEST) as stream:
            genesis = await stream.block()
        assert genesis.number == 0
        assert [entry.type for entry in genesis.filtered_transactions] == [common_pb2.HeaderType.CONFIG]

    async def test_a_stream_from_a_number_has_no_gaps_and_goes_on(self, wire: Wire) -> None:
        first, *_ = [(await wire.committed(*create_user()))[1] for _ in range(3)]
        async with wire.client.stream(at(first)) as stream:
            assert [(await stream.block()).number for _ in range(3)] == [first, first + 1, first + 2]
            await wire.committed(*create_user())
            assert (await stream.block()).number == first + 3

    async def test_the_next_block_is_waited_for_and_one_after_it_is_not_found(self, wire: Wire) -> None:
        _, newest = await wire.committed(*create_user())
        async with wire.client.stream(at(newest + 1)) as waiting, wire.client.stream(at(newest + 2)) as refused:
            assert await refused.status() == "NOT_FOUND"
            assert await refused.has_ended()
            await wire.committed(*create_user())
            assert (await waiting.block()).number == newest + 1

    async def test_after_its_stop_a_stream_takes_another_seek(self, wire: Wire) -> None:
        _, newest = await wire.committed(*create_user())
        async with wire.client.stream(at(newest - 1), at(newest)) as stream:
            assert [(await stream.block()).number for _ in range(2)] == [newest - 1, newest]
            assert await stream.status() == "SUCCESS"
            await stream.send(wire.client.member.seek(OLDEST, OLDEST))
            assert (await stream.block()).number == 0
            assert await stream.status() == "SUCCESS"

    @pytest.mark.parametrize("seek", SEEKS)
    async def test_a_wrong_seek_is_answered_with_a_status_and_ends_the_stream(self, wire: Wire, seek: str) -> None:
        make, status = SEEKS[seek]
        async with wire.client.stream(NEWEST, NEWEST) as stream:
            await stream.block()
            assert await stream.status() == "SUCCESS"
            await stream.send(make(wire.client.member))
            assert await stream.status() == status
            assert await stream.has_ended()

    @pytest.mark.parametrize("transaction_id", ["", "junk", "0" * 64], ids=["empty", "junk", "zeros"])
    async def test_a_status_of_any_unknown_id_waits(self, wire: Wire, transaction_id: str) -> None:
        """A real gateway, which knows the deadline too, is now and then the first to give up: CANCELLED."""
        code, _, details = await said(wire.client.status(transaction_id, timeout_s=0.5))
        assert (code in {"DEADLINE_EXCEEDED", "CANCELLED"}, details) == (True, None)

    async def test_plain_text_is_not_connected(self, settings: FabricSettings) -> None:
        async with grpc.aio.insecure_channel(settings.gateway) as channel:
            stub = gateway_pb2_grpc.GatewayStub(channel)
            assert (await failure(stub.Endorse(gateway_pb2.EndorseRequest(), timeout=5))).code == "UNAVAILABLE"

    async def test_open_calls_over_the_limit_are_refused_at_once_and_streams_of_blocks_do_not_count(
        self, wire: Wire
    ) -> None:
        """One of the open calls is a stream of chaincode events, which counts."""
        text = f"too many requests for /gateway.Gateway, exceeding concurrency limit ({GATEWAY_LIMIT})"
        refused = ("UNKNOWN", text, None)
        async with wire.client.stream(OLDEST) as blocks, wire.client.events() as events:
            assert (await blocks.block()).number == 0
            reading = asyncio.ensure_future(events.read())
            calls = GATEWAY_LIMIT + 2
            waiting = [asyncio.ensure_future(said(wire.client.status("T", timeout_s=60))) for _ in range(calls)]
            await three_are_done(waiting)
            assert [call.result() for call in waiting if call.done()] == [refused] * 3
            assert await said(wire.client.ask(*TOTAL_SUPPLY)) == refused
            assert await said(wire.client.endorse(wire.client.member.propose(*TOTAL_SUPPLY))) == refused
            for call in (reading, *waiting):
                call.cancel()
            await asyncio.wait({reading, *waiting})
        await asyncio.wait_for(until_served(wire), 30)


async def three_are_done(calls: list[asyncio.Future[object]]) -> None:
    async with asyncio.timeout(60):
        while sum(call.done() for call in calls) < 3:  # noqa: ASYNC110 (any three)
            await asyncio.sleep(0.05)


async def until_served(wire: Wire) -> None:
    while True:
        try:
            await wire.client.ask(*TOTAL_SUPPLY)
        except grpc.aio.AioRpcError as error:
            if "exceeding concurrency limit" not in str(error.details()):
                raise
            await asyncio.sleep(0.05)
        else:
            return
