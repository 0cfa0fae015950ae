"""The stream of blocks goes on where it broke off, and tells when something may have gone by."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2

from streams.fabric.block_stream import BlockStream

BROKEN = grpc.aio.AioRpcError(
    grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "Socket closed", None
)
SILENCE, HIDDEN_CANCELLATION = object(), object()


def block(number: int) -> Any:
    entry = events_pb2.FilteredTransaction(txid=f"t{number}", tx_validation_code=number % 2)
    return events_pb2.DeliverResponse(
        filtered_block=events_pb2.FilteredBlock(number=number, filtered_transactions=[entry])
    )


def status(name: str) -> Any:
    return events_pb2.DeliverResponse(status=common_pb2.Status.Value(name))


class Peer:
    """Answers each stream that is opened with the next script, and records what was asked for."""

    def __init__(self, *scripts: list[Any]) -> None:
        self.scripts = list(scripts)
        self.seeks: list[Any] = []

    def stream_stream(self, *_: Any, **__: Any) -> Callable[[], Call]:
        return lambda: Call(self, self.scripts.pop(0) if self.scripts else [SILENCE])


class Call:
    def __init__(self, peer: Peer, script: list[Any]) -> None:
        self.peer = peer
        self.script = script

    async def write(self, envelope: Any) -> None:
        self.peer.seeks.append(envelope)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for step in self.script:
            if step is SILENCE:
                await asyncio.Event().wait()
            if step is HIDDEN_CANCELLATION:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                raise BROKEN
            if isinstance(step, Exception):
                raise step
            yield step

    def cancel(self) -> None:
        self.script = []


class Reader:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.changed = asyncio.Event()

    def block(self, number: int, codes: list[tuple[str, int]]) -> None:
        self._tell((number, codes))

    def gap(self) -> None:
        self._tell("gap")

    def _tell(self, what: Any) -> None:
        self.told.append(what)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@contextlib.asynccontextmanager
async def following(*scripts: list[Any]) -> AsyncIterator[tuple[BlockStream, Reader, Peer, list[str]]]:
    peer, reader, reasons = Peer(*scripts), Reader(), list[str]()
    stream = BlockStream(cast(Any, peer), lambda first: cast(Any, first), reader, reasons.append)
    task = asyncio.create_task(stream.run())
    try:
        yield stream, reader, peer, reasons
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_it_starts_at_the_newest_block_and_asks_to_look_up_what_came_before() -> None:
    async with following([block(5), block(6), SILENCE]) as (stream, reader, peer, _):
        await reader.until(lambda: stream.last_block == 6)
        assert peer.seeks == [None]
        assert reader.told == [(5, [("t5", 1)]), "gap", (6, [("t6", 0)])]
        assert (stream.blocks_seen, stream.is_live) == (2, True)


async def test_after_an_interruption_it_goes_on_with_the_next_block() -> None:
    async with following([block(5), BROKEN], [block(6), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 6)
        assert peer.seeks == [None, 6]
        assert reader.told == [(5, [("t5", 1)]), "gap", "gap", (6, [("t6", 0)])]
        assert reasons == ["Socket closed"]
        assert stream.is_live


async def test_it_tries_until_the_peer_is_back() -> None:
    async with following([BROKEN], [BROKEN], [block(9), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 9)
        assert peer.seeks == [None, None, None]
        assert reasons == ["Socket closed"] * 2


async def test_a_peer_that_lags_behind_is_followed_from_its_newest_block() -> None:
    async with following([block(9), BROKEN], [status("NOT_FOUND")], [block(7), SILENCE]) as (stream, reader, peer, _):
        await reader.until(lambda: stream.last_block == 7)
        assert peer.seeks == [None, 10, None]


@pytest.mark.parametrize("name", ["FORBIDDEN", "BAD_REQUEST", "SERVICE_UNAVAILABLE"])
async def test_a_refusal_is_told_and_tried_again(name: str) -> None:
    async with following([block(4), status(name)], [block(5), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 5)
        assert peer.seeks == [None, 5]
        assert reasons == [f"the peer refused the stream of blocks: {name}"]


async def test_it_survives_a_fault_of_its_reader() -> None:
    async with following([block(4), BROKEN], [ValueError("odd")], [block(5), SILENCE]) as (stream, reader, _, reasons):
        await reader.until(lambda: stream.last_block == 5)
        assert reasons == ["Socket closed", "ValueError: odd"]


async def test_an_ended_stream_is_not_live() -> None:
    async with following([block(4)], [SILENCE]) as (stream, reader, _, reasons):
        await reader.until(lambda: reasons != [])
        assert not stream.is_live
        assert stream.last_interruption == "the peer ended the stream"


async def test_it_stops_also_when_grpc_hides_the_cancellation() -> None:
    async with asyncio.timeout(5):
        async with following([block(4), HIDDEN_CANCELLATION]) as (stream, reader, _, reasons):
            await reader.until(lambda: stream.is_live)
        assert reasons == []
