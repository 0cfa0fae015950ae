"""Commands that have ended FAILED, read from the dead letters: an end that a second delivery must not undo.

The ledger remembers what was committed, not what was refused. A command delivered again after it had failed might now
succeed, and its row would say FAILED for ever. Every failed command has a dead letter, so they tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.endings import failed_again
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import EPOCH, origin_of, read_since
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter, DeadLetterKind, Outcome, RoutedCommand
from streams.telemetry import Event, logger

_FINAL = frozenset(DeadLetterKind) - {DeadLetterKind.UNKNOWN, DeadLetterKind.BUG}


class FailedBefore:
    """The failed commands that the dead letters know, by command id and revision."""

    def __init__(self, letters: Iterable[DeadLetter]) -> None:
        self._letters: dict[tuple[str, int], DeadLetter] = {}
        for letter in letters:
            self.note(letter)

    def note(self, letter: DeadLetter) -> None:
        """A command has failed."""
        if letter.kind in _FINAL and letter.command_id is not None:
            self._letters[letter.command_id, _revision(letter)] = letter

    def outcome(self, command: RoutedCommand) -> Outcome | None:
        """How the command ended, if it has failed before."""
        letter = self._letters.get((command.command_id, command.revision))
        return None if letter is None else failed_again(letter)


def read_failed(bootstrap_servers: str) -> FailedBefore:
    """Read all dead letters there are. Blocks. Raises confluent_kafka.KafkaException."""
    return FailedBefore(_letters(bootstrap_servers))


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
