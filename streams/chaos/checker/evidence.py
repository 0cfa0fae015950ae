"""What the checker looks at: rows, the history of their status, transactions, balances. Plain data, made anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

VALID = "VALID"
FINAL = frozenset({"COMMITTED", "FAILED"})


class End(StrEnum):
    """How a command must end; `EITHER` where it depends on the faults."""

    COMMITTED = "COMMITTED"
    FAILED = "FAILED"
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the outbox as it is at the end. `payload` is the parsed JSON as it was inserted."""

    command_id: str
    command_type: str
    payload: Any
    status: str
    transaction_id: str | None = None
    block_number: int | None = None
    error_code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write of a row's status, as the trigger saw it; `number` rises. `before` is None for the insert."""

    number: int
    command_id: str
    before: str | None
    after: str
    transaction_id: str | None = None
    error: str | None = None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One entry of a block. `arguments` begins with `contract:function`; `identity` is who signed, "" if unknown."""

    transaction_id: str
    code: str
    block_number: int
    position: int
    identity: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What the ledger answers at the end, Qirat: all that was ever made, all that is held, and some accounts."""

    minted: int
    held: int
    balances: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything. `ends` holds each command of the driver whose insert the database acknowledged.

    `rows` and `changes` are in the order of the inserts and of the writes, `transactions` in that of the ledger.
    """

    ends: Mapping[str, End]
    rows: Sequence[Row]
    changes: Sequence[Change]
    transactions: Sequence[Transaction]
    money: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What must hold and does not. `command_id` is None when it is nobody's."""

    rule: str
    text: str
    command_id: str | None = None
    transaction_ids: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        whose = self.command_id or ", ".join(self.transaction_ids) or "the ledger"
        return f"{self.rule}: {whose}: {self.text}"
