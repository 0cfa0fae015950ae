"""The stream of chaincode events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from simulator_answers import READERS, Failure, at, failure
from simulator_client import NEWEST, OLDEST, Running, eventually, running
from simulator_parts import EVERY_ADDRESS

Status = common_pb2.Status


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, **EVERY_ADDRESS) as started:
        yield started


async def next_of(call: Any) -> gateway_pb2.ChaincodeEventsResponse:
    return await asyncio.wait_for(call.read(), 10)


async def announce(network: Running, *names: str) -> list[str]:
    """One transaction per name; their ids."""
    ids = []
    for name in names:
        transaction_id, envelope = await network.client.endorsed("announce", name, f"payload of {name}")
        await network.client.submit(envelope)
        await network.client.status(transaction_id)
        ids.append(transaction_id)
    return ids


async def test_events_come_with_payload_and_skip_blocks_without_any(network: Running) -> None:
    (before,) = await announce(network, "Before")
    async with network.client.events(start_position=at(0)) as call:
        assert [event.tx_id for event in (await next_of(call)).events] == [before]
        await network.client.transact("write", "a", "1")
        (after,) = await announce(network, "After")
        response = await next_of(call)
    (event,) = response.events
    assert (event.tx_id, event.event_name, event.payload) == (after, "After", b"payload of After")
    assert (event.chaincode_id, response.block_number) == ("gxtv3", 3)


async def test_events_start_with_the_next_block_unless_told(network: Running) -> None:
    await announce(network, "Before")
    async with network.client.events() as call:
        reading = asyncio.create_task(next_of(call))
        await network.client.ask("read", "a")
        (after,) = await announce(network, "After")
        assert [event.tx_id for event in (await reading).events] == [after]


async def test_events_go_on_after_the_transaction_of_a_checkpoint(network: Running) -> None:
    first, second, third = await announce(network, "First", "Second", "Third")
    async with network.client.events(after_transaction_id=first, start_position=at(0)) as call:
        assert [event.tx_id for event in (await next_of(call)).events] == [second]
        assert [event.tx_id for event in (await next_of(call)).events] == [third]


async def test_events_of_invalid_transactions_and_other_chaincodes_are_not_shown(network: Running) -> None:
    network.put("force-conflict", count=1)
    await announce(network, "Invalid")
    (valid,) = await announce(network, "Valid")
    async with network.client.events(start_position=at(0)) as call:
        assert [event.tx_id for event in (await next_of(call)).events] == [valid]
    async with network.client.events(start_position=at(0), chaincode_id="other") as call:
        reading = asyncio.create_task(call.read())
        await announce(network, "Another")
        assert not reading.done()


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"start_position": OLDEST}, "INVALID_ARGUMENT", "invalid start position type: *orderer.SeekPosition_Oldest"),
        ({"start_position": NEWEST}, "INVALID_ARGUMENT", "invalid start position type: *orderer.SeekPosition_Newest"),
        ({"channel_id": "nochan"}, "PERMISSION_DENIED", "Failed to get policy manager for channel [nochan]"),
        ({"identity": b"nobody"}, "PERMISSION_DENIED", READERS),
    ],
)
async def test_a_wrong_request_for_events_is_refused(
    network: Running, asked: dict[str, Any], code: str, message: str
) -> None:
    async with network.client.events(**asked) as call:
        assert await failure(call.read()) == Failure(code=code, message=message, details=None)


async def test_an_open_stream_of_events_takes_a_slot_of_the_gateway(tmp_path: Path) -> None:
    async with running(tmp_path, gateway_limit=1) as network:
        async with network.client.events() as call:
            reading = asyncio.create_task(call.read())
            await eventually(lambda: is_refused(network))
            reading.cancel()
        await eventually(lambda: is_served(network))


async def is_served(network: Running) -> bool:
    try:
        await network.client.ask("read", "a")
    except grpc.aio.AioRpcError as error:
        return "exceeding concurrency limit (1)" not in str(error.details())
    return True


async def is_refused(network: Running) -> bool:
    return not await is_served(network)


async def test_an_empty_request_for_events_is_an_invalid_argument(network: Running) -> None:
    call = network.client.gateway.ChaincodeEvents(gateway_pb2.SignedChaincodeEventsRequest())
    message = "a chaincode events request is required"
    assert await failure(call.read()) == Failure(code="INVALID_ARGUMENT", message=message, details=None)
