"""One channel in memory: the reference chaincode, read versions, blocks, and switches for what can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from streams.chaincode.memory import MemoryState
from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import ROLE_ATTRIBUTE
from streams.chaincode.state import Creator
from streams.ledger import VALID, LedgerEntry


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong from now on.

    `loses_answers`: Submit is carried out, but the caller does not learn it. `loses_envelopes`: Submit answers OK,
    but nothing is ordered.
    """

    is_down: bool = False
    loses_answers: bool = False
    loses_envelopes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsed:
    """A simulated call, and the versions of what it read."""

    transaction_id: str
    arguments: tuple[str, ...]
    result: bytes
    state: MemoryState
    read: Mapping[str, int | None]
    scanned: Mapping[tuple[str, str], Mapping[str, int]]


class FakeNetwork:
    """One channel in memory. `roles`: identity to its attribute `gxc_role`.

    With `cuts_at_once` every submitted transaction is a block of its own; otherwise blocks wait for `cut_block()`.
    """

    def __init__(
        self,
        chaincode: ReferenceChaincode,
        roles: Mapping[str, str],
        *,
        now: Callable[[], datetime],
        cuts_at_once: bool = True,
        commit_timeout_s: float = 5.0,
    ) -> None:
        self.chaincode = chaincode
        self.roles = roles
        self.now = now
        self.cuts_at_once = cuts_at_once
        self.commit_timeout_s = commit_timeout_s
        self.faults = Faults()
        self.blocks: list[list[tuple[str, str]]] = []
        self.entries: dict[str, LedgerEntry] = {}
        self._values: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}
        self._next_version = count(1)
        self._pending: list[Endorsed] = []
        self._cut = asyncio.Event()

    def simulate(
        self, identity: str, transaction_id: str, arguments: tuple[str, ...], transient: Mapping[str, bytes]
    ) -> Endorsed:
        """Run the chaincode against the last block. Raises ChaincodeRefused."""
        creator = Creator(msp_id="Org1MSP", name=identity, attributes={ROLE_ATTRIBUTE: self.roles[identity]})
        state = MemoryState(
            self._values, transaction_id=transaction_id, timestamp=self.now(), creator=creator, transient=transient
        )
        result = self.chaincode.invoke(arguments[0], arguments[1:], state)
        return Endorsed(
            transaction_id=transaction_id,
            arguments=arguments,
            result=result,
            state=state,
            read={key: self._versions.get(key) for key in state.reads},
            scanned={scan: self._versions_between(*scan) for scan in state.scans},
        )

    def order(self, endorsed: Endorsed) -> None:
        """Take a transaction for the next block."""
        self._pending.append(endorsed)
        if self.cuts_at_once:
            self.cut_block()

    def cut_block(self) -> None:
        """Put everything pending into a block, in order, valid or not."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        number = len(self.blocks)
        self.blocks.append([(endorsed.transaction_id, self._commit(endorsed, number)) for endorsed in pending])
        cut, self._cut = self._cut, asyncio.Event()
        cut.set()

    async def wait_for(self, transaction_id: str) -> LedgerEntry:
        """Wait for the block that holds the id. Raises TimeoutError."""
        async with asyncio.timeout(self.commit_timeout_s):
            while transaction_id not in self.entries:
                await self._cut.wait()
        return self.entries[transaction_id]

    def _commit(self, endorsed: Endorsed, number: int) -> str:
        if endorsed.transaction_id in self.entries:
            return "DUPLICATE_TXID"
        code = self._judge(endorsed)
        self.entries[endorsed.transaction_id] = LedgerEntry(
            transaction_id=endorsed.transaction_id,
            code=code,
            block_number=number,
            arguments=endorsed.arguments,
            result=endorsed.result,
        )
        if code == VALID:
            endorsed.state.apply()
            for key, value in endorsed.state.writes.items():
                self._versions[key] = next(self._next_version)
                if value is None:
                    del self._versions[key]
        return code

    def _judge(self, endorsed: Endorsed) -> str:
        if any(self._versions.get(key) != version for key, version in endorsed.read.items()):
            return "MVCC_READ_CONFLICT"
        if any(self._versions_between(*scan) != versions for scan, versions in endorsed.scanned.items()):
            return "PHANTOM_READ_CONFLICT"
        return VALID

    def _versions_between(self, start: str, end: str) -> dict[str, int]:
        return {key: version for key, version in self._versions.items() if start <= key and (not end or key < end)}
