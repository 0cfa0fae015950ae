"""Source `dead-letters`: how many are open, by kind, and how old the oldest is.

Open is what `streams dead-letters` calls so (`streams/operations/letters/letter.py`): the newest letter of its command,
which no resolution names and whose row is not COMMITTED. The topic is read once, from its beginning, and then only what
has been added to it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeAlias

from streams.errors import SourceIncomplete, UnknownSchema, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.tail import Tail, TailRecord
from streams.messages import DeadLetterKind, Origin
from streams.monitor.metrics import Sample, sample
from streams.monitor.open_letters import OpenLetters

UNREADABLE = "unreadable"
KINDS = (*(kind.value for kind in DeadLetterKind), UNREADABLE)
AT_MOST_S = 20.0
"""For one look: a topic of millions of letters is read in several, and until then the source says how far it is."""

COMMANDS = 10_000
"""Open letters, the newest, of which it is known whose they are; older ones only a resolution closes."""

Subject: TypeAlias = tuple[str, bool]
"""Command id, and whether the letter preserves a routed command: the sink's and the route worker's preserve others."""


class DeadLetters:
    """Counts what `tail` brings.

    `dealt_with` gives the letters that somebody has dealt with since the last call, `committed` those of the command
    ids whose rows are COMMITTED.
    """

    def __init__(
        self,
        tail: Tail,
        dealt_with: Callable[[], Iterable[Origin]] = tuple,
        committed: Callable[[Sequence[str]], Collection[str]] = lambda _: (),
    ) -> None:
        self._tail = tail
        self._dealt_with = dealt_with
        self._committed = committed
        self._closed: list[Origin] = []
        self._open: dict[int, OpenLetters] = {}
        self._newest: OrderedDict[Subject, tuple[int, int]] = OrderedDict()

    def close(self) -> None:
        """End the connections."""
        self._tail.close()

    def collect(self) -> Iterator[Sample]:
        """Raises KafkaException when the brokers do not answer, SourceIncomplete while the topic is read at first."""
        # Asked before the letters are read: so each letter that somebody has dealt with is among them.
        for letter in self._dealt_with():
            self._closed.append(letter)
        for record in self._tail.read(AT_MOST_S):
            self._add(record)
        if self._tail.behind:
            raise SourceIncomplete(f"{self._tail.behind:,} records of {self._tail.topic} are still to be read")
        for partition, first in self._tail.first_offsets.items():
            if partition in self._open:
                self._open[partition].drop_before(first)
        self._close()
        yield from self._samples(time.time())

    def _add(self, record: TailRecord) -> None:
        kind, subject = _read(record.value)
        self._open.setdefault(record.partition, OpenLetters(KINDS)).add(record.offset, kind, record.written_s)
        if subject is None:
            return
        if (earlier := self._newest.pop(subject, None)) is not None:
            self._open[earlier[0]].close(earlier[1])
        self._newest[subject] = record.partition, record.offset
        if len(self._newest) > COMMANDS:
            self._newest.popitem(last=False)

    def _close(self) -> None:
        for letter in self._closed:
            if letter.partition in self._open:
                self._open[letter.partition].close(letter.offset)
        self._closed.clear()
        still = [(subject, at) for subject, at in self._newest.items() if self._open[at[0]].is_open(at[1])]
        committed = self._committed([command_id for (command_id, _), _ in still]) if still else ()
        for (command_id, _), (partition, offset) in still:
            if command_id in committed:
                self._open[partition].close(offset)
        self._newest = OrderedDict((subject, at) for subject, at in still if subject[0] not in committed)

    def _samples(self, now_s: float) -> Iterator[Sample]:
        for kind in KINDS:
            oldest_s = [at for letters in self._open.values() if (at := letters.oldest_s(kind)) is not None]
            count = sum(letters.count(kind) for letters in self._open.values())
            yield sample("outbox_dlq_messages", count, kind=kind)
            age_s = max(0.0, now_s - min(oldest_s)) if oldest_s else 0.0
            yield sample("outbox_dlq_oldest_age_seconds", age_s, kind=kind)


def _read(value: bytes | None) -> tuple[str, Subject | None]:
    """(kind, whose it is)."""
    try:
        letter = codecs.DEAD_LETTERS.decode(value)
    except (UnreadableMessage, UnknownSchema):
        return UNREADABLE, None
    subject = (letter.command_id, codecs.ROUTED_COMMANDS.wrote(letter.value)) if letter.command_id else None
    return letter.kind.value, subject
