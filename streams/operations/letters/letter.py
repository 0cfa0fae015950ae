"""The dead letters as they stand: of each command the newest, with what operators have done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import origin_of, read_since
from streams.kafka.topics import DEAD_LETTERS, OPERATOR_ACTIONS
from streams.messages import DeadLetter, DeadLetterKind, Origin, RoutedCommand
from streams.operators import LetterResolution

PARKED = frozenset({DeadLetterKind.UNKNOWN, DeadLetterKind.BUG})
"""The command may be on the ledger, or waits for one that may be; it holds its ordering key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter at its `address`; `command` is what it preserves, if that is a routed command.

    `earlier` are the addresses of older letters of the same command, which say nothing any more; `first` is that of the
    first. `resolution`: what an operator did about it. `status`: of the command's row, if that was asked.
    """

    address: Origin
    letter: DeadLetter
    command: RoutedCommand | None
    earlier: tuple[Origin, ...] = ()
    resolution: LetterResolution | None = None
    status: str | None = None

    @property
    def is_parked(self) -> bool:
        """Its command may still be on the ledger, or come there."""
        return self.command is not None and self.letter.kind in PARKED

    @property
    def is_open(self) -> bool:
        """Nobody has dealt with it, and its command has not been committed since."""
        return self.resolution is None and self.status != "COMMITTED"

    @property
    def first(self) -> int:
        """Where its command stands among the letters: offset of the first of them."""
        return min(at.offset for at in (self.address, *self.earlier))

    @property
    def revision(self) -> int:
        """Of the command."""
        return self.command.revision if self.command is not None else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters; what is None does not matter."""

    since: datetime
    kind: str | None = None
    command_type: str | None = None
    identity: str | None = None
    code: str | None = None
    command_id: str | None = None
    offset: int | None = None
    is_any: bool = False

    @property
    def names_something(self) -> bool:
        """Something but the time is named."""
        return any(
            named is not None
            for named in (self.kind, self.command_type, self.identity, self.code, self.command_id, self.offset)
        )

    def matches(self, found: Letter) -> bool:
        """Whether a letter is wanted; `is_any`: also one that is dealt with."""
        letter = found.letter
        return (
            self.kind in (None, letter.kind.value)
            and self.command_type in (None, letter.command_type)
            and self.identity in (None, letter.identity)
            and self.code in (None, letter.error_code)
            and self.command_id in (None, letter.command_id)
            and self.offset in (None, found.address.offset)
            and (self.is_any or found.is_open)
        )


def all_of_them(_: Letter) -> bool:
    """The values of all letters are kept."""
    return True


def read_letters(
    bootstrap_servers: str,
    since: datetime,
    statuses: Callable[[list[str]], dict[str, str]],
    keeps: Callable[[Letter], bool] = all_of_them,
) -> list[Letter]:
    """As `standing`; `statuses` tells of rows by command id. Raises confluent_kafka.KafkaException."""
    resolutions = _resolutions(bootstrap_servers, since)
    found = standing(_letters(bootstrap_servers, since), resolutions, keeps)
    rows = statuses([one.letter.command_id for one in found if one.letter.command_id is not None])
    return [replace(one, status=rows.get(one.letter.command_id or "")) for one in found]


def standing(
    letters: Iterable[Letter], resolutions: Iterable[LetterResolution], keeps: Callable[[Letter], bool]
) -> list[Letter]:
    """The newest letter of each command, in the order of their first letters; those of no command each on its own.

    `keeps`: whether the values of a letter are wanted; of others there is neither record nor `command`, which is enough
    to tell of them, and of a million letters fits into memory.
    """
    newest: dict[object, Letter] = {}
    earlier: dict[object, list[Origin]] = {}
    for found in letters:
        # The sink's letters, which preserve an outcome, and the route worker's do not stand for a routed command.
        what = (found.letter.command_id, found.command is None) if found.letter.command_id else found.letter.origin
        if (before := newest.get(what)) is not None:
            earlier.setdefault(what, []).append(before.address)
        newest[what] = found if keeps(found) else _without_values(found)
    # By the command too: a topic that was made anew counts its letters from 0 again.
    dealt_with = {(one.letter.offset, one.command_id): one for one in resolutions}
    return [
        replace(
            found,
            earlier=tuple(earlier.get(what, ())),
            resolution=dealt_with.get((found.address.offset, found.letter.command_id)),
        )
        for what, found in newest.items()
    ]


def _without_values(found: Letter) -> Letter:
    return replace(found, letter=replace(found.letter, key=None, value=None), command=None)


def _letters(bootstrap_servers: str, since: datetime) -> Iterator[Letter]:
    for message in read_since(bootstrap_servers, DEAD_LETTERS, since):
        try:
            letter = codecs.DEAD_LETTERS.decode(message.value())
        except UnreadableMessage:
            continue  # whoever reads the topic on duty logs it
        command = _command(letter)
        if command is not None:
            letter = replace(letter, value=None)  # the same once more
        yield Letter(address=origin_of(message), letter=letter, command=command)


def _resolutions(bootstrap_servers: str, since: datetime) -> Iterator[LetterResolution]:
    """A resolution is younger than its letter."""
    for message in read_since(bootstrap_servers, OPERATOR_ACTIONS, since):
        if codecs.LETTER_RESOLUTIONS.wrote(message.value()):
            yield codecs.LETTER_RESOLUTIONS.decode(message.value())


def _command(letter: DeadLetter) -> RoutedCommand | None:
    try:
        return codecs.ROUTED_COMMANDS.decode(letter.value)
    except UnreadableMessage:
        return None
