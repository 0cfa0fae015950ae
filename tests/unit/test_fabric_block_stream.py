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
from streams.fabric.failures import Failure

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
    """The gateways: answer each stream that is opened with the next script, and record what was asked for."""

    def __init__(self, *scripts: list[Any]) -> None:
        self.scripts = list(scripts)
        self.seeks: list[Any] = []
        self.failures: list[str] = []
        self.left: list[str] = []
        self.current = self

    def deliver_filtered(self) -> Call:
        return Call(self, self.scripts.pop(0) if self.scripts else [SILENCE])

    def failed(self, _: Peer, call: str, failure: Failure) -> None:
        assert call == "DeliverFiltered"
        self.failures.append(str(failure))

    def leave(self, _: Peer, failure: Failure) -> None:
        self.left.append(str(failure))


class Call:
    def __init__(self, peer: Peer, script: list[Any]) -> None:
        self.peer = peer
        self.script = script
        self.reading: asyncio.Task[Any] | None = None

    async def write(self, envelope: Any) -> None:
        self.peer.seeks.append(envelope)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for step in self.script:
            if step is SILENCE:
                await self._wait_for_the_end_of_the_call()
            if step is HIDDEN_CANCELLATION:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                raise BROKEN
            if isinstance(step, Exception):
                raise step
            yield step

    async def _wait_for_the_end_of_the_call(self) -> None:
        """As grpc.aio does: a call that is cancelled raises CancelledError in the task that reads it."""
        self.reading = asyncio.create_task(asyncio.Event().wait())
        await self.reading

    def cancel(self) -> None:
        self.script = []
        if self.reading is not None:
            self.reading.cancel()


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


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (the stream has no event for it)
            await asyncio.sleep(0)


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
        assert peer.failures == ["Socket closed"]


async def test_behind_a_lagging_peer_it_goes_on_at_another_where_it_was() -> None:
    scripts = [block(9), BROKEN], [status("NOT_FOUND")], [BROKEN], [block(10), SILENCE]
    async with following(*scripts) as (stream, reader, peer, _):
        await reader.until(lambda: stream.last_block == 10)
        assert peer.seeks == [None, 10, None, 10]


async def test_blocks_left_out_between_two_are_to_be_looked_up() -> None:
    async with following([block(9), block(12), block(13), SILENCE]) as (stream, reader, _, __):
        await reader.until(lambda: stream.last_block == 13)
        assert reader.told[2:] == [(12, [("t12", 0)]), "gap", (13, [("t13", 1)])]


async def test_it_tells_how_far_behind_the_chain_it_is() -> None:
    async with following([block(9), SILENCE]) as (stream, reader, _, __):
        assert stream.behind is None
        stream.tell_height(13)
        assert stream.behind is None
        await reader.until(lambda: stream.last_block == 9)
        assert stream.behind == 3
        stream.tell_height(10)
        assert stream.behind == 0


async def test_a_stream_that_stands_still_behind_the_chain_is_opened_anew() -> None:
    async with following([block(9), SILENCE], [block(10), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 9)
        stream.tell_height(12)
        assert reasons == []
        stream.tell_height(12)
        await reader.until(lambda: stream.last_block == 10)
        assert peer.seeks == [None, 10]
        assert reasons == peer.left == ["2 blocks have not come"]
        assert "gap" in reader.told[2:]


async def test_a_stream_that_hangs_before_its_first_block_is_opened_anew() -> None:
    async with following([SILENCE], [block(3), SILENCE]) as (stream, reader, peer, reasons):
        await eventually(lambda: len(peer.seeks) == 1)
        stream.tell_height(4)
        assert reasons == []
        stream.tell_height(4)
        await reader.until(lambda: stream.last_block == 3)
        assert reasons == peer.left == ["no block has come"]
        assert peer.seeks == [None, None]


async def test_a_stream_that_was_opened_just_now_is_given_time_for_its_first_block() -> None:
    async with following([BROKEN], [SILENCE]) as (stream, _, peer, reasons):
        stream.tell_height(4)
        await eventually(lambda: len(peer.seeks) == 2)
        stream.tell_height(4)
        assert (reasons, peer.left) == (["Socket closed"], [])


async def test_a_stream_that_goes_on_behind_the_chain_is_left_alone() -> None:
    async with following([block(9), SILENCE]) as (stream, reader, _, reasons):
        await reader.until(lambda: stream.last_block == 9)
        stream.tell_height(12)
        stream.last_block = 10
        stream.tell_height(13)
        stream.tell_height(11)
        assert reasons == []


async def test_when_another_gateway_is_used_it_goes_on_there_without_a_gap_in_the_blocks() -> None:
    async with following([block(9), SILENCE], [block(10), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 9)
        stream.change_gateway()  # it is there already
        peer.current = Peer()
        stream.change_gateway()
        peer.current = peer
        await reader.until(lambda: stream.last_block == 10)
        assert (peer.seeks, reasons) == ([None, 10], ["another gateway is used"])


@pytest.mark.parametrize("name", ["FORBIDDEN", "BAD_REQUEST", "SERVICE_UNAVAILABLE"])
async def test_a_refusal_is_told_and_tried_again(name: str) -> None:
    async with following([block(4), status(name)], [block(5), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 5)
        assert peer.seeks == [None, 5]
        assert reasons == peer.failures == [f"the peer refused the stream of blocks: {name}"]


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
