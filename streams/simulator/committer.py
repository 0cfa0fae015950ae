"""From the orderer's batches to blocks on the ledger, one after the other."""

from __future__ import annotations

import asyncio
import logging
import os

from streams.simulator.block_metadata import add_commit_hash, sign_block
from streams.simulator.blocks import build_block
from streams.simulator.commit_faults import CommitFaults
from streams.simulator.identities import Signer
from streams.simulator.ledger import Ledger
from streams.simulator.orderer import Batch
from streams.simulator.validator import VALID, Inspected, Validator

log = logging.getLogger(__name__)

_INSPECTED_AT_ONCE = 8
_NONCE_BYTES = 24


class Committer:
    """Validates and commits in a task of its own."""

    def __init__(self, ledger: Ledger, validator: Validator, orderer: Signer, faults: CommitFaults) -> None:
        self._ledger = ledger
        self._validator = validator
        self._orderer = orderer
        self._faults = faults
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
        await self._faults.hold(batch)
        inspected: list[Inspected] = []
        for envelope in batch:
            inspected.append(self._validator.inspect(envelope.claim))
            if len(inspected) % _INSPECTED_AT_ONCE == 0:
                # Signatures of a full block take long enough for endorsing to be noticeably late.
                await asyncio.sleep(0)
        codes = self._validator.judge(
            inspected, self._ledger.world, self._ledger.holds, lambda each: self._faults.conflict(each.claim)
        )
        envelopes = [envelope.serialized for envelope in batch]
        block = build_block(self._ledger.height, self._ledger.last_hash, envelopes, codes)
        sign_block(block, self._orderer, os.urandom(_NONCE_BYTES))
        results = (
            each.action.response_payload
            for each, code in zip(inspected, codes, strict=True)
            if each.action is not None and code == VALID
        )
        add_commit_hash(block, results, self._ledger.last_commit_hash)
        await self._ledger.commit(block, inspected)
        log.debug("block %d holds %d transactions", block.header.number, len(batch))
