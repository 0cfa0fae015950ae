"""One endless stream of filtered blocks, taken up again where it broke off, if need be at another gateway.

Peer side: core/peer/deliverevents.go, common/deliver/deliver.go. A filtered block names every transaction of the
block with its validation code, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2

from streams.fabric.failures import Failure, failure_of, raise_if_cancelled
from streams.fabric.gateways import GatewayPeer, Gateways

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
STREAM = "DeliverFiltered"

Seek = Callable[[int | None], common_pb2.Envelope]


class BlockReader(Protocol):
    """Who is told what the stream shows."""

    def block(self, number: int, codes: list[tuple[str, int]]) -> None:
        """A block: (transaction id, number of the validation code) of every entry, in order. May come twice."""
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
        self, gateways: Gateways, seek: Seek, reader: BlockReader, on_interruption: Callable[[str], None]
    ) -> None:
        self._gateways = gateways
        self._seek = seek
        self._reader = reader
        self._on_interruption = on_interruption
        self.last_block: int | None = None
        self.blocks_seen = 0
        self.is_live = False
        self.last_interruption: str | None = None
        self._height: int | None = None
        self._stood_at: int | tuple[GatewayPeer, Any] | None = None
        self._starts_over = False
        self._open: tuple[GatewayPeer, Any] | None = None
        self._cut_because = ""

    @property
    def behind(self) -> int | None:
        """How many blocks of the channel were not seen yet, as of the last `tell_height`; None: not known."""
        if self._height is None or self.last_block is None:
            return None
        return max(0, self._height - 1 - self.last_block)

    def tell_height(self, height: int) -> None:
        """The channel has so many blocks. A stream that stands still while the channel grows is opened anew.

        So is one that has not even shown the newest block, which a peer sends at once.
        """
        self._height = height
        stands_at = self._open if self.last_block is None else self.last_block if self.behind else None
        if stands_at is None or stands_at != self._stood_at:
            self._stood_at = stands_at
            return
        self._stood_at = None
        if self._open is not None:
            reason = "no block has come" if self.last_block is None else f"{self.behind} blocks have not come"
            self._gateways.leave(self._open[0], Failure(code=grpc.StatusCode.DEADLINE_EXCEEDED, text=reason))
            self._cut(reason)

    def change_gateway(self) -> None:
        """Go on at the gateway that calls go to now, if the stream is at another one."""
        if self._open is not None and self._open[0] is not self._gateways.current:
            self._cut("another gateway is used")

    def _cut(self, reason: str) -> None:
        if self._open is not None:
            self._cut_because = reason
            self._open[1].cancel()

    async def run(self) -> None:
        """Follow the chain until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            seen_before = self.blocks_seen
            try:
                reason = await self._follow()
            except Exception as error:
                raise_if_cancelled()
                # Whatever it is, the stream must come back: without it every commit waits for its time-out.
                reason = f"{type(error).__name__}: {error}"
            self._interrupted(reason)
            pause_s = FIRST_PAUSE_S if self.blocks_seen > seen_before else min(pause_s * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _follow(self) -> str:
        """One stream, from the seek to its end. Returns why it ended."""
        next_block = None if self._starts_over or self.last_block is None else self.last_block + 1
        self._starts_over = False
        peer = self._gateways.current
        call = peer.deliver_filtered()
        self._open = peer, call
        try:
            await call.write(self._seek(next_block))
            async for response in call:
                if response.WhichOneof("Type") != "filtered_block":
                    return self._refused(peer, response.status)
                self._show(response.filtered_block)
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            self._gateways.failed(peer, STREAM, failure)
            return str(failure)
        except asyncio.CancelledError:
            raise_if_cancelled()
            return self._cut_because
        finally:
            self._open = None
            call.cancel()
        return "the peer ended the stream"

    def _show(self, block: events_pb2.FilteredBlock) -> None:
        # What was expected before the first block may be in an older one.
        is_gap = self.last_block is None or block.number > self.last_block + 1
        self.is_live = True
        self.blocks_seen += 1
        self.last_block = block.number
        self._reader.block(
            block.number, [(entry.txid, entry.tx_validation_code) for entry in block.filtered_transactions]
        )
        if is_gap:
            self._reader.gap()

    def _refused(self, peer: GatewayPeer, status: int) -> str:
        reason = f"the peer refused the stream of blocks: {common_pb2.Status.Name(status)}"
        if status == common_pb2.NOT_FOUND:
            # This peer does not have our last block yet: start over at its newest, which is not beyond ours.
            self._starts_over = True
        else:
            self._gateways.failed(peer, STREAM, Failure(code=grpc.StatusCode.FAILED_PRECONDITION, text=reason))
        return reason

    def _interrupted(self, reason: str) -> None:
        self.is_live = False
        self.last_interruption = reason
        self._on_interruption(reason)
        self._reader.gap()
