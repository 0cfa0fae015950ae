"""Commands that have ended FAILED, read from the dead letters: an end that a second delivery must not undo.

The ledger remembers what was committed, not what was refused. A command delivered again after it had failed might now
succeed, and its row would say FAILED for ever. Every failed command has a dead letter, so they tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import EPOCH, origin_of, read_since
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter, DeadLetterKind, Outcome, OutcomeKind, RoutedCommand
from streams.telemetry import Event, logger

_FINAL = frozenset(DeadLetterKind) - {DeadLetterKind.UNKNOWN, DeadLetterKind.BUG}


@dataclass(frozen=True, slots=True)
class _End:
    """What is kept of a dead letter; its record may be large."""

    error_code: str
    cause: str
    transaction_id: str | None
    attempts: int
    worker: str
    happened_at: datetime


class FailedBefore:
    """The failed commands of one identity that the dead letters know, by command id and revision."""

    def __init__(self, identity: str, letters: Iterable[DeadLetter]) -> None:
        self._identity = identity
        self._ends: dict[tuple[str, int], _End] = {}
        for letter in letters:
            self.note(letter)

    def note(self, letter: DeadLetter) -> None:
        """A command has failed; the route worker's letters name no identity."""
        if letter.kind not in _FINAL or letter.command_id is None or letter.identity not in (None, self._identity):
            return
        is_on_ledger = letter.kind is DeadLetterKind.INVALID and letter.transaction_ids
        self._ends[letter.command_id, _revision(letter)] = _End(
            error_code=letter.error_code,
            cause=letter.cause,
            transaction_id=letter.transaction_ids[-1] if is_on_ledger else None,
            attempts=len(letter.transaction_ids),
            worker=letter.worker,
            happened_at=letter.happened_at,
        )

    def outcome(self, command: RoutedCommand) -> Outcome | None:
        """How the command ended, if it has failed before."""
        end = self._ends.get((command.command_id, command.revision))
        if end is None:
            return None
        return Outcome(
            command_id=command.command_id,
            command_type=command.command_type,
            kind=OutcomeKind.FAILED,
            identity=command.identity,
            transaction_id=end.transaction_id,
            error_code=end.error_code,
            error=end.cause,
            attempts=end.attempts,
            worker=end.worker,
            happened_at=end.happened_at,
        )


def read_failed(bootstrap_servers: str, identity: str) -> FailedBefore:
    """Read all dead letters there are. Blocks. Raises confluent_kafka.KafkaException."""
    return FailedBefore(identity, _letters(bootstrap_servers))


def _letters(bootstrap_servers: str) -> Iterator[DeadLetter]:
    for message in read_since(bootstrap_servers, DEAD_LETTERS, EPOCH):
        try:
            yield codecs.DEAD_LETTERS.decode(message.value())
        except UnreadableMessage as error:
            logger().error(Event.MESSAGE_UNREADABLE, origin=str(origin_of(message)), cause=str(error))


def _revision(letter: DeadLetter) -> int:
    """Of the payload that failed; a letter of the route worker holds the change event, which is revision 0."""
    try:
        return codecs.ROUTED_COMMANDS.decode(letter.value).revision
    except UnreadableMessage:
        return 0
