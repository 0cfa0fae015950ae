"""Commands that ended FAILED, and commands that are parked, read from the dead letters.

A failed command stays failed: the ledger remembers what was committed, not what was refused. Delivered again it might
now succeed, and its row would say FAILED for ever. Every failed command has a dead letter, so they tell.

A parked command holds its ordering key: nobody knows whether it is on the ledger, so those behind it wait, as dead
letters of their own, until it is settled. They are parked in their turn, in the order of the letters.

The letters of two weeks are read once, with the first command; after a rebalance only those that have come since.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import decoded, read_on
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand

MOST_ENDS = 100_000
"""Failed commands that are kept beside those that are certain to come again: some dozens of megabytes."""

PARKED = frozenset({DeadLetterKind.UNKNOWN, DeadLetterKind.BUG})
"""The kinds of letters whose command may be on the ledger, or waits for one that may be."""


@dataclass(frozen=True, slots=True)
class _End:
    """What is kept of a dead letter; its record may be large."""

    origin: Origin
    error_code: str
    cause: str
    transaction_id: str | None
    attempts: int
    worker: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked command, and the transaction ids that were tried for it."""

    command: RoutedCommand
    transaction_ids: tuple[str, ...]


class Book:
    """What the dead letters know about the commands of one identity.

    Of failed commands the newest `most_ends` are kept, and every one whose record a crash would bring again:
    `will_come_again(origin)`. `is_complete`: none was dropped.
    """

    def __init__(
        self,
        identity: str,
        letters: Iterable[DeadLetter] = (),
        *,
        will_come_again: Callable[[Origin], bool] = lambda _: False,
        most_ends: int = MOST_ENDS,
    ) -> None:
        self._identity = identity
        self._will_come_again, self._most_ends = will_come_again, most_ends
        self.is_complete = True
        self._ends: OrderedDict[tuple[str, int], _End] = OrderedDict()
        self._parked: dict[str, dict[str, Parked]] = {}  # by ordering key, then by command id, in the order of letters
        self._keys: dict[str, str] = {}
        for letter in letters:
            self.note(letter)

    def note(self, letter: DeadLetter) -> None:
        """A command has failed or is parked; the route worker's letters name no identity."""
        if letter.command_id is None or letter.identity not in (None, self._identity):
            return
        command = _command(letter)
        if letter.kind not in PARKED:
            self._ends[letter.command_id, command.revision if command else 0] = _end(letter)
            self._forget()
            self.settle(letter.command_id)
        elif command is not None:
            self._park(command, letter.transaction_ids)

    def _park(self, command: RoutedCommand, transaction_ids: tuple[str, ...]) -> None:
        if transaction_ids:
            # A redrive of what had failed may be on the ledger: that it failed once is no word on it any more.
            self._ends.pop((command.command_id, command.revision), None)
        if self._keys.get(command.command_id) != command.ordering_key:
            self.settle(command.command_id)  # an edited payload may have another key
        self._keys[command.command_id] = command.ordering_key
        self._parked.setdefault(command.ordering_key, {})[command.command_id] = Parked(command, transaction_ids)

    def _forget(self) -> None:
        """One end comes at a time: two looks at the oldest keep up."""
        for _ in range(2):
            if len(self._ends) <= self._most_ends:
                return
            oldest, end = next(iter(self._ends.items()))
            if self._will_come_again(end.origin):
                self._ends.move_to_end(oldest)
            else:
                del self._ends[oldest]
                self.is_complete = False

    def settle(self, command_id: str) -> None:
        """It is known now what became of a command: it holds nobody back any longer."""
        key = self._keys.pop(command_id, None)
        if key is not None:
            del self._parked[key][command_id]
            if not self._parked[key]:
                del self._parked[key]

    def committed(self, command: RoutedCommand) -> None:
        """It is on the ledger; if it had failed before, somebody had it tried again."""
        self._ends.pop((command.command_id, command.revision), None)
        self.settle(command.command_id)

    def ahead_of(self, command: RoutedCommand) -> Parked | None:
        """The first parked command of its key; None if there is none, or if it is the command itself."""
        first = next(iter(self._parked.get(command.ordering_key, {}).values()), None)
        return None if first is None or first.command.command_id == command.command_id else first

    def is_parked(self, command: RoutedCommand) -> bool:
        """There is a letter for this revision of it already."""
        key = self._keys.get(command.command_id)
        return key is not None and self._parked[key][command.command_id].command.revision >= command.revision

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


class Reader:
    """Reads all dead letters there are once, and later only those that have come since, into the same book."""

    def __init__(self, bootstrap_servers: str, identity: str, will_come_again: Callable[[Origin], bool]) -> None:
        self._bootstrap_servers, self._identity, self._will_come_again = bootstrap_servers, identity, will_come_again
        self._book = self._empty()
        self._offsets: dict[int, int] = {}

    def read(self) -> Book:
        """Blocks. Raises confluent_kafka.KafkaException."""
        if not self._book.is_complete:
            # Of the partitions that this worker has now, it may have dropped what it needs.
            self._book, self._offsets = self._empty(), {}
        records = read_on(self._bootstrap_servers, DEAD_LETTERS, self._offsets)
        for letter in decoded(records, codecs.DEAD_LETTERS):
            self._book.note(letter)
        return self._book

    def _empty(self) -> Book:
        return Book(self._identity, will_come_again=self._will_come_again)


def _command(letter: DeadLetter) -> RoutedCommand | None:
    """The command that the letter preserves; None: the record was something else, for instance a change event."""
    try:
        return codecs.ROUTED_COMMANDS.decode(letter.value)
    except UnreadableMessage:
        return None


def _end(letter: DeadLetter) -> _End:
    is_on_ledger = letter.kind is DeadLetterKind.INVALID and letter.transaction_ids
    return _End(
        origin=letter.origin,
        error_code=letter.error_code,
        cause=letter.cause,
        transaction_id=letter.transaction_ids[-1] if is_on_ledger else None,
        attempts=letter.attempts or len(letter.transaction_ids),
        worker=letter.worker,
        happened_at=letter.happened_at,
    )
