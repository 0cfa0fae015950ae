"""An orderer or a gateway that is down, slow or back: what a client sees, as measured on Fabric 2.5.16."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from simulator_answers import Failure, at, codes_of, failure
from simulator_client import CHANNEL, Running, eventually, running
from simulator_outages import TIMED_OUT, impatient, proposal, refused_connection

ORDERER = "orderer.example.com:7050"
NO_ORDERERS = "no orderers could successfully process transaction"


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with impatient(tmp_path) as started:
        yield started


async def is_lost(network: Running, transaction_id: str) -> bool:
    """Neither is there a status nor an entry."""
    silent = await failure(network.client.status(transaction_id, timeout_s=0.2))
    missing = await failure(network.client.query("GetTransactionByID", CHANNEL, transaction_id))
    return silent.code == "DEADLINE_EXCEEDED" and "no such transaction ID" in missing.message


async def test_an_orderer_that_is_down_takes_nothing(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    network.put("orderer-down")
    assert await failure(network.client.submit(envelope)) == Failure(
        code="UNAVAILABLE", message=NO_ORDERERS, details=[(ORDERER, "OrdererMSP", refused_connection(ORDERER))]
    )
    assert await is_lost(network, transaction_id)
    await network.client.endorsed("write", "b", "1")
    assert await network.client.ask("read", "a") == b""


async def test_an_orderer_without_a_leader_says_the_same_without_details(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    leaderless = network.put("orderer-leaderless")
    assert await failure(network.client.submit(envelope)) == Failure(
        code="UNAVAILABLE", message=NO_ORDERERS, details=None
    )
    network.lift(leaderless)
    await network.client.submit(envelope)
    assert (await network.client.status(transaction_id))[0] == "VALID"


@pytest.mark.parametrize("orders", [1, 0])
@pytest.mark.parametrize(("deadline_s", "code"), [(0.05, "DEADLINE_EXCEEDED"), (5.0, "UNAVAILABLE")])
async def test_an_orderer_that_hangs_may_order_later_what_was_given_up(
    network: Running, deadline_s: float, code: str, orders: int
) -> None:
    client = network.client
    transaction_id, envelope = await client.endorsed("write", "a", "1")
    hanging = network.put("orderer-hangs", orders=orders)
    call = client.gateway.Submit(client.submit_request(envelope), timeout=deadline_s)
    given_up = await failure(call)
    assert given_up.code == code
    if code == "UNAVAILABLE":
        assert given_up == Failure(code=code, message=NO_ORDERERS, details=[(ORDERER, "OrdererMSP", TIMED_OUT)])
    network.lift(hanging)
    if orders:
        assert (await client.status(transaction_id))[0] == "VALID"
    else:
        assert await is_lost(network, transaction_id)


async def has_struck(network: Running) -> bool:
    return bool(network.simulator.faults.listed()[0].struck)


async def test_an_orderer_that_goes_on_in_time_answers_ok(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    hanging = network.put("orderer-hangs")
    submitting = asyncio.create_task(network.client.submit(envelope))
    await eventually(lambda: has_struck(network))
    network.lift(hanging)
    await submitting
    assert (await network.client.status(transaction_id))[0] == "VALID"


async def test_a_restarted_orderer_has_lost_what_it_acknowledged_and_did_not_order(tmp_path: Path) -> None:
    async with running(tmp_path, block_interval_s=30.0) as network:
        client = network.client
        signed = client.member.propose("append", "a", "1")
        envelope = client.member.sign(await client.endorse(signed))
        await client.submit(envelope)
        network.put("restart", part="orderer", down_s=0.1, warm_up_s=0.1)
        seen = set()
        async with asyncio.timeout(10):
            while True:
                try:
                    await client.submit(envelope)
                except grpc.aio.AioRpcError as error:
                    seen.add(bool(dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")))
                    await asyncio.sleep(0.02)
                else:
                    break
        assert seen == {True, False}, "first nobody listens, then there is no leader"
        await client.endorse(signed)
    async with running(tmp_path) as network:
        assert await network.client.status(signed.transaction_id) == ("VALID", 1)
        assert await network.client.ask("read", "a") == b"1"


async def test_a_gateway_that_was_restarted_has_yet_to_find_the_other_peers(network: Running) -> None:
    client = network.client
    assert await client.transact("write", "a", "1") == ("VALID", 1)
    waiting = asyncio.create_task(failure(client.status("T", timeout_s=20)))
    async with client.stream(at(1)) as stream:
        assert (await stream.block()).number == 1
        network.put("restart", part="gateway", down_s=0.2, warm_up_s=0.5)
        assert (await failure(stream.next())).message == "Stream removed (Socket closed)"
    assert (await waiting).message == "Stream removed (Socket closed)"
    seen = []
    async with asyncio.timeout(20):
        while not seen or seen[-1] is not None:
            try:
                await client.endorse(proposal(network))
            except grpc.aio.AioRpcError as error:
                seen.append(error.code().name)
                if seen[-1] == "FAILED_PRECONDITION":
                    assert await client.ask("read", "a") == b"1"
                await asyncio.sleep(0.05)
            else:
                seen.append(None)
    assert list(dict.fromkeys(seen)) == ["UNAVAILABLE", "FAILED_PRECONDITION", None]
    async with client.stream(at(2)) as stream:
        transaction_id, envelope = await client.endorsed("write", "b", "1")
        await client.submit(envelope)
        assert codes_of(await stream.block()) == [(transaction_id, "VALID")]


async def test_a_submit_that_the_client_cancels_may_have_been_ordered(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    network.put("late", call="submit", when="after", delay_s=30)
    call = network.client.gateway.Submit(network.client.submit_request(envelope))
    async with network.client.stream(at(1)) as stream:
        assert codes_of(await stream.block()) == [(transaction_id, "VALID")]
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
