"""From the orderer's batches to blocks on the ledger, one after the other."""

from __future__ import annotations

import asyncio
import logging

from streams.simulator.blocks import build_block
from streams.simulator.ledger import Ledger
from streams.simulator.orderer import Batch
from streams.simulator.validator import Inspected, Validator

log = logging.getLogger(__name__)

_INSPECTED_AT_ONCE = 8


class Committer:
    """Validates and commits in a task of its own."""

    def __init__(self, ledger: Ledger, validator: Validator) -> None:
        self._ledger = ledger
        self._validator = validator
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue()

    def hand_over(self, batch: Batch) -> None:
        """Queue a batch; it becomes the block after those queued before it."""
        self._batches.put_nowait(batch)

    def finish(self) -> None:
        """Let `run` return after what is queued."""
        self._batches.put_nowait(None)

    async def run(self) -> None:
        """Commit batches until `finish`."""
        while (batch := await self._batches.get()) is not None:
            await self.commit(batch)

    async def commit(self, batch: Batch) -> None:
        """Validate a batch and add it to the ledger as its next block."""
        inspected: list[Inspected] = []
        for envelope in batch:
            inspected.append(self._validator.inspect(envelope))
            if len(inspected) % _INSPECTED_AT_ONCE == 0:
                # Signatures of a full block take long enough for endorsing to be noticeably late.
                await asyncio.sleep(0)
        codes = self._validator.judge(inspected, self._ledger.world, self._ledger.holds)
        block = build_block(self._ledger.height, self._ledger.last_hash, batch, codes)
        await self._ledger.commit(block, inspected)
        log.debug("block %d holds %d transactions", block.header.number, len(batch))
