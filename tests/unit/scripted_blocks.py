"""Gateways that answer each stream of blocks as a script says, and who is told what it shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import grpc
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
