"""What the topics tell of many commands, kept in a temporary file: memory does not grow with their number.

One line per command: its newest outcome (a commit stays the newest) and its newest dead letter.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from confluent_kafka import Message

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import origin_of
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind

M = TypeVar("M", Outcome, DeadLetter)
_HERE = Path(__file__).parent
_MOST_ASKED = 500


@cache
def statement(name: str, folder: Path = _HERE) -> str:
    """`<name>.sql` beside this file."""
    return (folder / f"{name}.sql").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of a command. `outcome` and `outcome_at`: the newest one's kind and address.

    `attempts` is the largest number that any outcome or letter names. `letter`: the kind of the newest dead letter.
    """

    command_id: str
    outcome: OutcomeKind | None
    outcome_at: Origin | None
    happened_at: datetime | None
    identity: str | None
    transaction_id: str | None
    error_code: str | None
    error: str | None
    attempts: int
    letter: DeadLetterKind | None
    letter_at: Origin | None


class History:
    """A context manager; the file is removed at its end."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="streams-history-", suffix=".sqlite")  # noqa: SIM115
        self.connection = sqlite3.connect(self._file.name, isolation_level=None)
        self.connection.executescript(statement("schema"))

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.connection.close()
        self._file.close()

    def note_outcomes(self, messages: Iterable[Message], on_read: Callable[[Message], None] = lambda _: None) -> None:
        """The records of topic `results`, in their order per command. What is no message of ours is passed over."""
        for message, outcome in _decoded(messages, codecs.OUTCOMES.decode):
            on_read(message)
            self.note_outcome(outcome, origin_of(message))

    def note_letters(self, messages: Iterable[Message], on_read: Callable[[Message], None] = lambda _: None) -> None:
        """The records of topic `dead-letters`, in their order."""
        for message, letter in _decoded(messages, codecs.DEAD_LETTERS.decode):
            on_read(message)
            self.note_letter(letter, origin_of(message))

    def note_outcome(self, outcome: Outcome, origin: Origin) -> None:
        """One outcome."""
        told = {
            "command_id": outcome.command_id,
            "outcome": outcome.kind.value,
            "happened_at": outcome.happened_at.timestamp(),
            "identity": outcome.identity,
            "transaction_id": outcome.transaction_id,
            "error_code": outcome.error_code,
            "error": outcome.error,
            "attempts": outcome.attempts,
        }
        self.connection.execute(statement("note_outcome"), {**told, **_address(origin)})

    def note_letter(self, letter: DeadLetter, origin: Origin) -> None:
        """One dead letter; one of no command is passed over."""
        if letter.command_id is None:
            return
        told = {"command_id": letter.command_id, "letter": letter.kind.value, "attempts": letter.attempts}
        self.connection.execute(statement("note_letter"), {**told, **_address(origin)})

    def of(self, command_ids: Iterable[str]) -> dict[str, Told]:
        """What is known of these; who is not named is unknown."""
        wanted, found = list(command_ids), {}
        for start in range(0, len(wanted), _MOST_ASKED):
            part = wanted[start : start + _MOST_ASKED]
            marks = ", ".join("?" * len(part))
            for row in self.connection.execute(statement("of").replace(":command_ids", marks), part):
                told = _told(row)
                found[told.command_id] = told
        return found

    def __iter__(self) -> Iterator[Told]:
        """Everything, by command id."""
        for row in self.connection.cursor().execute(statement("all")):
            yield _told(row)


def _decoded(messages: Iterable[Message], decode: Callable[[bytes | None], M]) -> Iterator[tuple[Message, M]]:
    for message in messages:
        try:
            decoded = decode(message.value())
        except UnreadableMessage:
            continue  # whoever should have read it has made a dead letter of it
        yield message, decoded


def _address(origin: Origin) -> Mapping[str, object]:
    return {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset}


def _origin(topic: str | None, partition: int, offset: int) -> Origin | None:
    return None if topic is None else Origin(topic=topic, partition=partition, offset=offset)


def _told(row: tuple[Any, ...]) -> Told:
    (command_id, outcome, happened_at, identity, transaction_id, code, error, attempts, letter, *where) = row
    return Told(
        command_id=command_id,
        outcome=None if outcome is None else OutcomeKind(outcome),
        outcome_at=_origin(*where[:3]),
        happened_at=None if happened_at is None else datetime.fromtimestamp(happened_at, UTC),
        identity=identity,
        transaction_id=transaction_id,
        error_code=code,
        error=error,
        attempts=attempts,
        letter=None if letter is None else DeadLetterKind(letter),
        letter_at=_origin(*where[3:]),
    )
