"""The ledger as the submit stage sees it: a narrow port, one type per step.

Proposal --endorse--> Transaction --submit--> Commit --status--> Committed

Each step's type is the only way to the next, so nothing can be submitted that was not endorsed.
`streams.fabric` keeps the port against a Fabric gateway, `streams.fabric.fake` in memory; both pass
`tests/contract/ledger_contract.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streams.messages import RoutedCommand

VALID = "VALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """VALID in block `block_number`; `seen_at` is when this process learned it."""

    transaction_id: str
    block_number: int
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What the ledger holds under a transaction id.

    `code` is the name of Fabric's TxValidationCode (`VALID`, `MVCC_READ_CONFLICT`, ...), decided over every
    entry of the block with this id. `arguments` starts with `contract:function`; `result` is the chaincode's answer.
    """

    transaction_id: str
    code: str
    block_number: int
    arguments: tuple[str, ...]
    result: bytes


class Commit(Protocol):
    """Handed to the orderer; its fate is not known yet."""

    @property
    def transaction_id(self) -> str: ...

    async def status(self) -> Committed:
        """Wait for the block.

        Raises CommitRejected (in a block, invalid), CommitUnknown (not learned within the commit time-out), or
        DuplicateTransaction (another envelope of the id is in a block, valid and with other arguments).
        """
        ...


class Transaction(Protocol):
    """Endorsed and signed: the bytes that may be submitted any number of times."""

    @property
    def transaction_id(self) -> str: ...

    @property
    def result(self) -> bytes:
        """The chaincode's answer."""
        ...

    async def submit(self) -> Commit:
        """Hand the envelope to the orderer. Raises SubmitFailed."""
        ...


class Proposal(Protocol):
    """Signer and transaction id are fixed; nothing was sent yet."""

    @property
    def transaction_id(self) -> str: ...

    @property
    def earlier_ids(self) -> tuple[str, ...]:
        """The ids of the same attempt under certificates that may have signed it before; of a fresh command: none."""
        ...

    async def endorse(self) -> Transaction:
        """Ask the organisations. Raises EndorseFailed, DuplicateTransaction or AlreadyApplied."""
        ...


class Ledger(Protocol):
    """One identity's way to one channel."""

    def propose(self, command: RoutedCommand, attempt: int) -> Proposal:
        """The proposal of this attempt (0, 1, ...): the same transaction id after any crash, until a renewal."""
        ...

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        """What the ledger holds under this id now; None: nothing (yet), as far as anybody who can be asked knows.

        Raises CommitUnknown if nobody can.
        """
        ...
