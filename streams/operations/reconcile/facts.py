"""What one party says of one command, in the form in which the notebook keeps it.

| source  | word         | at            | changed_at | number      | note       |
|---------|--------------|---------------|------------|-------------|------------|
| row     | status       | created       | updated    | attempts    | error code |
| event   | command type | row created   |            |             |            |
| routed  | identity     | row created   |            | revision    |            |
| outcome | kind         | happened      |            | attempts    | error code |
| letter  | kind         | happened      |            | attempts    | error code |
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from streams.messages import ChangeEvent, DeadLetter, Origin, Outcome, RoutedCommand
from streams.postgres.reconciling import RowState


class Source(IntEnum):
    """Who says it."""

    ROW = 0
    EVENT = 1
    ROUTED = 2
    OUTCOME = 3
    LETTER = 4


class Fact(NamedTuple):
    """Times are milliseconds since 1970. `payload_sha256`: of rows and events. `topic` to `offset`: of records.

    `is_done`: the consumer group behind the record has acknowledged it, so whatever it had to do about it is done.
    """

    command_id: str
    source: int
    word: str
    at_ms: int
    changed_at_ms: int | None = None
    transaction_id: str | None = None
    number: int = 0
    note: str | None = None
    payload_sha256: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    is_done: int = 1


class Told(NamedTuple):
    """A final outcome, and where it lies in the topic `results`; as text `kind:partition:offset`."""

    kind: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Told:
        """What `str` gave."""
        kind, partition, offset = text.split(":")
        return cls(kind, int(partition), int(offset))

    def __str__(self) -> str:
        return f"{self.kind}:{self.partition}:{self.offset}"


def of_row(row: RowState) -> Fact:
    """The row as it is."""
    return Fact(
        row.command_id,
        Source.ROW,
        row.status,
        milliseconds(row.created_at),
        milliseconds(row.updated_at),
        row.transaction_id,
        row.attempts,
        row.error_code,
        row.payload_sha256,
    )


def of_event(change: ChangeEvent, payload_sha256: str, is_done: bool) -> Fact:
    """An insert that Debezium has seen."""
    command, at = change.command, milliseconds(change.command.created_at)
    return Fact(
        command.command_id,
        Source.EVENT,
        command.command_type,
        at,
        payload_sha256=payload_sha256,
        topic=change.origin.topic,
        partition=change.origin.partition,
        offset=change.origin.offset,
        is_done=is_done,
    )


def of_routed(command: RoutedCommand, origin: Origin, is_done: bool) -> Fact:
    """A command given to the workers of an identity."""
    return Fact(
        command.command_id,
        Source.ROUTED,
        command.identity,
        milliseconds(command.created_at),
        number=command.revision,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        is_done=is_done,
    )


def of_outcome(outcome: Outcome, origin: Origin, is_done: bool) -> Fact:
    """What a worker told."""
    return Fact(
        outcome.command_id,
        Source.OUTCOME,
        outcome.kind,
        milliseconds(outcome.happened_at),
        transaction_id=outcome.transaction_id,
        number=outcome.attempts,
        note=outcome.error_code,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        is_done=is_done,
    )


def of_letter(command_id: str, letter: DeadLetter) -> Fact:
    """A dead letter that names its command."""
    at = milliseconds(letter.happened_at)
    return Fact(command_id, Source.LETTER, letter.kind, at, number=letter.attempts, note=letter.error_code)


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp() * 1000)
