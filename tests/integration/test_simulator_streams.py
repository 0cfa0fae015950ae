"""The streams of blocks, as measured on Fabric 2.5.16."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from simulator_answers import MSP1, at, codes_of
from simulator_client import CHANNEL, NEWEST, OLDEST, Running, running
from simulator_member import Member
from wrong_messages import SEEKS


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def test_a_stream_starts_with_the_newest_block_and_goes_on_live(network: Running) -> None:
    await network.client.transact("write", "a", "1")
    async with network.client.stream(NEWEST) as stream:
        assert (await stream.block()).number == 1
        transaction_id, envelope = await network.client.endorsed("announce", "Paid", "secret")
        await network.client.submit(envelope)
        block = await stream.block()
    assert (block.number, block.channel_id, codes_of(block)) == (2, CHANNEL, [(transaction_id, "VALID")])
    (action,) = block.filtered_transactions[0].transaction_actions.chaincode_actions
    event = action.chaincode_event
    assert (event.chaincode_id, event.tx_id, event.event_name, event.payload) == ("gxtv3", transaction_id, "Paid", b"")


async def test_a_transaction_without_an_event_has_no_chaincode_action(network: Running) -> None:
    await network.client.transact("write", "a", "1")
    async with network.client.stream(at(1)) as stream:
        (entry,) = (await stream.block()).filtered_transactions
    assert entry.type == common_pb2.HeaderType.ENDORSER_TRANSACTION
    assert entry.WhichOneof("Data") == "transaction_actions"
    assert list(entry.transaction_actions.chaincode_actions) == []


async def test_block_0_holds_one_configuration_entry(network: Running) -> None:
    async with network.client.stream(OLDEST) as stream:
        genesis = await stream.block()
    assert genesis.number == 0
    assert [entry.type for entry in genesis.filtered_transactions] == [common_pb2.HeaderType.CONFIG]


async def test_a_stream_from_a_number_has_no_gaps_and_goes_on(network: Running) -> None:
    for number in range(3):
        await network.client.transact("write", "a", str(number))
    async with network.client.stream(at(1)) as stream:
        assert [(await stream.block()).number for _ in range(3)] == [1, 2, 3]
        await network.client.transact("write", "a", "4")
        assert (await stream.block()).number == 4


async def test_the_next_block_is_waited_for_and_one_after_it_is_not_found(network: Running) -> None:
    async with network.client.stream(at(1)) as waiting, network.client.stream(at(2)) as refused:
        assert await refused.status() == "NOT_FOUND"
        assert await refused.has_ended()
        await network.client.transact("write", "a", "1")
        assert (await waiting.block()).number == 1


async def test_after_its_stop_a_stream_takes_another_seek(network: Running) -> None:
    await network.client.transact("write", "a", "1")
    async with network.client.stream(OLDEST, at(1)) as stream:
        assert [(await stream.block()).number for _ in range(2)] == [0, 1]
        assert await stream.status() == "SUCCESS"
        await stream.send(network.client.member.seek(NEWEST, NEWEST))
        assert (await stream.block()).number == 1
        assert await stream.status() == "SUCCESS"


async def test_whole_blocks_hold_the_envelopes_that_were_submitted(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    async with network.client.stream(at(1), whole=True) as stream:
        await network.client.submit(envelope)
        block = (await stream.next()).block
    assert list(block.data.data) == [envelope.SerializeToString()]
    assert await network.client.status(transaction_id) == ("VALID", block.header.number)


@pytest.mark.parametrize("seek", SEEKS)
async def test_a_wrong_seek_is_answered_with_a_status_and_ends_the_stream(network: Running, seek: str) -> None:
    make, status = SEEKS[seek]
    async with network.client.stream(NEWEST, NEWEST) as stream:
        await stream.block()
        assert await stream.status() == "SUCCESS"
        await stream.send(make(network.client.member))
        assert await stream.status() == status
        assert await stream.has_ended()


async def test_a_stream_ends_with_the_certificate_of_its_reader(network: Running) -> None:
    in_a_moment = datetime.now(UTC) + timedelta(seconds=1)
    credential = network.simulator.keys.authorities[MSP1].issue("short-lived", "client", not_after=in_a_moment)
    async with network.as_member(Member(MSP1, credential)).stream(at(1)) as stream, asyncio.timeout(10):
        response = None
        while response is None or response.HasField("filtered_block"):
            await network.client.transact("write", "a", "1")
            response = await stream.next()
    assert common_pb2.Status.Name(response.status) == "FORBIDDEN"
