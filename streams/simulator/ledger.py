"""The peer's ledger: blocks, world state, index of transaction ids, and those who wait for a commit."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2

from streams.simulator.block_metadata import commit_hash
from streams.simulator.blocks import BlockFile, header_hash, validation_codes
from streams.simulator.state import Version, WorldState
from streams.simulator.transactions import Action, Committed, committed, read_block
from streams.simulator.validator import VALID, Inspected

_REMEMBERED_BLOCKS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Where a transaction id stands on the ledger: the first envelope under it, with any code."""

    block: int
    position: int
    code: int


class Ledger:
    """State and index live in memory and are rebuilt from the blocks at the start.

    Several envelopes may claim one id; look-ups give the first (common/ledger/blkstorage/blockindex.go).
    """

    def __init__(self, blocks: BlockFile) -> None:
        self.world = WorldState()
        self._blocks = blocks
        self._entries: dict[str, LedgerEntry] = {}
        self._height = 0
        self._last_hash = b""
        self._last_commit_hash = b""
        self._numbers: dict[bytes, int] = {}
        self._transactions: dict[int, Sequence[Committed]] = {}
        self._waiting_for_id: defaultdict[str, list[asyncio.Future[LedgerEntry]]] = defaultdict(list)
        self._waiting_for_block: list[asyncio.Future[None]] = []
        for number in range(len(blocks)):
            block = blocks.read(number)
            self._take(block, read_block(block))

    @property
    def height(self) -> int:
        """The number of the next block."""
        return self._height

    @property
    def last_hash(self) -> bytes:
        """The header hash of the newest block."""
        return self._last_hash

    @property
    def last_commit_hash(self) -> bytes:
        """The commit hash of the newest block; empty for the first."""
        return self._last_commit_hash

    def block(self, number: int) -> common_pb2.Block:
        """The block of this number, read from disk. Raises IndexError."""
        return self._blocks.read(number)

    def transactions(self, number: int) -> Sequence[Committed]:
        """The entries of a block; kept for a while, because every stream wants the newest. Raises IndexError."""
        known = self._transactions.get(number)
        if known is None:
            known = read_block(self._blocks.read(number))
            self._remember(number, known)
        return known

    def number_of(self, block_hash: bytes) -> int | None:
        """The number of the block with this header hash, None when there is none."""
        return self._numbers.get(block_hash)

    def first_entry(self, transaction_id: str) -> LedgerEntry | None:
        """The first entry under the id, None when there is none."""
        return self._entries.get(transaction_id)

    def holds(self, transaction_id: str) -> bool:
        """Whether the id is taken, by a valid entry or another."""
        return transaction_id in self._entries

    async def commit(self, block: common_pb2.Block, transactions: Sequence[Inspected]) -> None:
        """Make a block durable, then visible: state, index, then everyone who waits."""
        await asyncio.to_thread(self._blocks.append, block.SerializeToString())
        codes = validation_codes(block)
        entries = [committed(each.claim, code, each.action) for each, code in zip(transactions, codes, strict=True)]
        self._take(block, entries)
        self._remember(block.header.number, entries)
        self._tell(each.transaction_id for each in transactions)

    async def entry(self, transaction_id: str) -> LedgerEntry:
        """The first entry under the id, as soon as there is one."""
        known = self._entries.get(transaction_id)
        if known is not None:
            return known
        future: asyncio.Future[LedgerEntry] = asyncio.get_running_loop().create_future()
        self._waiting_for_id[transaction_id].append(future)
        try:
            return await future
        finally:
            self._forget(transaction_id, future)

    async def wait_for(self, number: int) -> None:
        """Return when there is a block of this number."""
        while self.height <= number:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting_for_block.append(future)
            try:
                await future
            finally:
                if future in self._waiting_for_block:  # the reader went away
                    self._waiting_for_block.remove(future)

    def _take(self, block: common_pb2.Block, transactions: Sequence[Committed]) -> None:
        number = block.header.number
        for position, each in enumerate(transactions):
            # Also the claimed id of an envelope that is no valid transaction takes the id.
            if each.transaction_id and each.transaction_id not in self._entries:
                self._entries[each.transaction_id] = LedgerEntry(block=number, position=position, code=each.code)
            if each.action is not None and each.code == VALID:
                self._write(each.action, Version(number, position))
        self._last_hash = header_hash(block.header)
        self._last_commit_hash = commit_hash(block)
        self._numbers[self._last_hash] = number
        self._height = number + 1

    def _remember(self, number: int, transactions: Sequence[Committed]) -> None:
        if len(self._transactions) >= _REMEMBERED_BLOCKS:
            self._transactions.pop(next(iter(self._transactions)))
        self._transactions[number] = transactions

    def _write(self, action: Action, version: Version) -> None:
        for write in action.results.writes:
            if write.is_delete:
                self.world.delete(write.key)
            else:
                self.world.put(write.key, write.value, version)

    def _tell(self, transaction_ids: Iterator[str]) -> None:
        # Streams first: a client that follows both hears of a block before its CommitStatus is answered.
        waiting, self._waiting_for_block = self._waiting_for_block, []
        for stream in waiting:
            if not stream.done():
                stream.set_result(None)
        for transaction_id in transaction_ids:
            for future in self._waiting_for_id.pop(transaction_id, ()):
                if not future.done():
                    future.set_result(self._entries[transaction_id])

    def _forget(self, transaction_id: str, future: asyncio.Future[LedgerEntry]) -> None:
        waiting = self._waiting_for_id.get(transaction_id)
        if waiting is not None and future in waiting:
            waiting.remove(future)
            if not waiting:
                del self._waiting_for_id[transaction_id]
