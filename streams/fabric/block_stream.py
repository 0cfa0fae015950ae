"""One endless stream of filtered blocks, taken up again where it broke off.

Peer side: core/peer/deliverevents.go, common/deliver/deliver.go. A filtered block names every transaction of the
block with its validation code, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2, events_pb2_grpc

from streams.fabric.failures import failure_of, raise_if_cancelled

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

Seek = Callable[[int | None], common_pb2.Envelope]


class BlockReader(Protocol):
    """Who is told what the stream shows."""

    def block(self, number: int, codes: list[tuple[str, int]]) -> None:
        """A block: (transaction id, number of the validation code) of every entry, in order."""
        ...

    def gap(self) -> None:
        """Blocks may have gone by unseen, or will for a while."""
        ...


class BlockStream:
    """Reads blocks from the newest on, without a gap as long as the process lives.

    `last_block` is the number of the last block seen, `blocks_seen` how many were seen, `is_live` whether the
    stream stands, `last_interruption` why it last did not.
    """

    def __init__(
        self, channel: grpc.aio.Channel, seek: Seek, reader: BlockReader, on_interruption: Callable[[str], None]
    ) -> None:
        self._stub = events_pb2_grpc.DeliverStub(channel)
        self._seek = seek
        self._reader = reader
        self._on_interruption = on_interruption
        self.last_block: int | None = None
        self.blocks_seen = 0
        self.is_live = False
        self.last_interruption: str | None = None

    async def run(self) -> None:
        """Follow the chain until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            seen_before = self.blocks_seen
            try:
                reason = await self._follow()
            except grpc.aio.AioRpcError as error:
                reason = str(failure_of(error))
            except Exception as error:
                raise_if_cancelled()
                # Whatever it is, the stream must come back: without it every commit waits for its time-out.
                reason = f"{type(error).__name__}: {error}"
            self._interrupted(reason)
            pause_s = FIRST_PAUSE_S if self.blocks_seen > seen_before else min(pause_s * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _follow(self) -> str:
        """One stream, from the seek to its end. Returns why it ended; raises grpc.aio.AioRpcError."""
        next_block = None if self.last_block is None else self.last_block + 1
        call = self._stub.DeliverFiltered()
        try:
            await call.write(self._seek(next_block))
            async for response in call:
                if response.WhichOneof("Type") != "filtered_block":
                    return self._refused(response.status)
                self._show(response.filtered_block)
        finally:
            call.cancel()
        return "the peer ended the stream"

    def _show(self, block: events_pb2.FilteredBlock) -> None:
        is_first = self.last_block is None
        self.is_live = True
        self.blocks_seen += 1
        self.last_block = block.number
        codes = [(entry.txid, entry.tx_validation_code) for entry in block.filtered_transactions]
        self._reader.block(block.number, codes)
        if is_first:
            # What was expected before the first block may be in an older one.
            self._reader.gap()

    def _refused(self, status: int) -> str:
        if status == common_pb2.NOT_FOUND:
            # This peer does not have our last block yet: start over at its newest, which is not beyond ours.
            self.last_block = None
        return f"the peer refused the stream of blocks: {common_pb2.Status.Name(status)}"

    def _interrupted(self, reason: str) -> None:
        self.is_live = False
        self.last_interruption = reason
        self._on_interruption(reason)
        self._reader.gap()
