"""The message of each stage: frozen, keyword-only, parsed once at the edge.

ChangeEvent -> RoutedCommand -> Outcome        (DeadLetter: what cannot go on; BreakerChange: what stands still)

Times are aware datetimes in UTC with millisecond resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a message was read: the address of a Kafka record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the outbox as the service wrote it. `payload` is JSON text, not yet parsed."""

    command_id: str
    tenant_id: str
    service: str
    command_type: str
    request_id: str
    payload: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """One insert seen in the write-ahead log (`from_snapshot`: read by a snapshot instead).

    `lsn` is the position in the log; `captured_at` is when Debezium made the event. `traceparent` is the trace context
    that the service gave its row, unchecked.
    """

    command: Command
    lsn: int | None
    captured_at: datetime
    from_snapshot: bool
    origin: Origin
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedCommand:
    """A command with everything the ledger needs: who signs, what is called, with which arguments.

    Commands of one `ordering_key` on one identity are submitted one after the other. `touches` are further keys, in the
    same space of names: commands that share any key are not in flight together. `waits_for_parked`: it must not pass a
    parked command of its ordering key.
    `revision` is 0 for the payload the service wrote, higher for payloads an operator edited.
    """

    command_id: str
    tenant_id: str
    command_type: str
    request_id: str
    identity: str
    contract: str
    function: str
    arguments: tuple[str, ...]
    ordering_key: str
    touches: tuple[str, ...] = ()
    waits_for_parked: bool = True
    revision: int = 0
    created_at: datetime
    captured_at: datetime
    routed_at: datetime
    captured_from: Origin

    @property
    def transaction_name(self) -> str:
        """`contract:function`, the first argument of the chaincode call."""
        return f"{self.contract}:{self.function}"


class OutcomeKind(StrEnum):
    """How far a command has come, in rising order of finality; `waiting`: held back, its error text says why."""

    WAITING = "waiting"
    SUBMITTED = "submitted"
    PARKED = "parked"
    FAILED = "failed"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a command; one record of the topic `results`, keyed by command id.

    `attempts` counts the transaction ids tried (0: nothing was sent). `stages` holds the time at which the
    command passed each stage, by name: created, captured, routed, taken, endorsed, submitted, committed.
    """

    command_id: str
    command_type: str
    kind: OutcomeKind
    identity: str | None = None
    transaction_id: str | None = None
    block_number: int | None = None
    error_code: str | None = None
    error: str | None = None
    attempts: int = 0
    stages: Mapping[str, datetime] = field(default_factory=dict)
    worker: str
    happened_at: datetime


class DeadLetterKind(StrEnum):
    """Why a message could not go on."""

    MALFORMED = "malformed"
    UNROUTABLE = "unroutable"
    REFUSED = "refused"
    INVALID = "invalid"
    UNKNOWN = "unknown"
    BUG = "bug"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that cannot go on, with cause and origin; `key` and `value` are the record as it was read.

    `attempts` counts the transaction ids tried, `transaction_ids` names them. `first_at` is when the worker took the
    message, `happened_at` when it gave it up.
    """

    kind: DeadLetterKind
    error_code: str
    cause: str
    command_id: str | None = None
    command_type: str | None = None
    identity: str | None = None
    attempts: int = 0
    transaction_ids: tuple[str, ...] = ()
    origin: Origin
    key: bytes | None
    value: bytes | None
    worker: str
    first_at: datetime | None = None
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChange:
    """How a worker's breaker stands; one record of the topic `breakers`, the newest per identity and worker is kept.

    `state` is a `streams.breaker.BreakerState`; `cause` is the answer of the ledger that opened it, empty if closed.
    """

    identity: str
    worker: str
    state: str
    cause: str
    happened_at: datetime
