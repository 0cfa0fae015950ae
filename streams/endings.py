"""How a command ends, and the dead letter that goes with an ending that is not a commit. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streams.errors import RefusedCommand, UnreadableMessage, UnroutableCommand
from streams.messages import ChangeEvent, DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind

UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An outcome; unless it is a commit, the kind of its dead letter; every transaction id that was tried.

    `first_at`: when the worker took the command. `bug`: what our own code raised; the command is parked.
    """

    outcome: Outcome
    dead_letter_kind: DeadLetterKind | None
    transaction_ids: tuple[str, ...] = ()
    first_at: datetime | None = None
    bug: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The Kafka record that a dead letter preserves, and the worker that could not go on with it.

    `traceparent` is the trace context that the record carried, unchecked.
    """

    origin: Origin
    key: bytes | None
    value: bytes | None
    worker: str
    traceparent: str | None = None


def refused(
    error: RefusedCommand, change: ChangeEvent | None, source: Source, now: datetime
) -> tuple[DeadLetter, Outcome | None]:
    """Refused before anything was sent: (dead letter, FAILED). No outcome when nobody can tell whose row it is."""
    command_id = change.command.command_id if change else error.command_id
    command_type = change.command.command_type if change else None
    letter = DeadLetter(
        kind=DeadLetterKind.UNROUTABLE if isinstance(error, UnroutableCommand) else DeadLetterKind.MALFORMED,
        error_code=error.code,
        cause=str(error),
        command_id=command_id,
        command_type=command_type,
        origin=source.origin,
        key=source.key,
        value=source.value,
        worker=source.worker,
        happened_at=now,
    )
    if command_id is None:
        return letter, None
    outcome = Outcome(
        command_id=command_id,
        command_type=command_type or "",
        kind=OutcomeKind.FAILED,
        error_code=error.code,
        error=str(error),
        stages={"created": change.command.created_at, "captured": change.captured_at} if change else {},
        worker=source.worker,
        happened_at=now,
    )
    return letter, outcome


def unreadable(error: UnreadableMessage, source: Source, now: datetime) -> DeadLetter:
    """A record on one of our own topics that is not ours."""
    return DeadLetter(
        kind=DeadLetterKind.MALFORMED,
        error_code=UNREADABLE,
        cause=str(error),
        origin=source.origin,
        key=source.key,
        value=source.value,
        worker=source.worker,
        happened_at=now,
    )


def dead_letter(ending: Ending, source: Source) -> DeadLetter | None:
    """The dead letter of an ending; None for a commit."""
    if ending.dead_letter_kind is None:
        return None
    outcome = ending.outcome
    return DeadLetter(
        kind=ending.dead_letter_kind,
        error_code=outcome.error_code or "",
        cause=outcome.error or "",
        command_id=outcome.command_id,
        command_type=outcome.command_type,
        identity=outcome.identity,
        attempts=outcome.attempts,
        transaction_ids=ending.transaction_ids,
        origin=source.origin,
        key=source.key,
        value=source.value,
        worker=source.worker,
        first_at=ending.first_at,
        happened_at=outcome.happened_at,
    )
