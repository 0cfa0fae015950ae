"""Source `dead-letters`: how many there are that nobody has dealt with, by kind, and how old the oldest is.

The topic is read once, from its beginning, and then only what has been added to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from streams.errors import SourceIncomplete, UnknownSchema, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.tail import Tail
from streams.messages import DeadLetterKind, Origin
from streams.monitor.metrics import Sample, sample
from streams.monitor.open_letters import OpenLetters

UNREADABLE = "unreadable"
KINDS = (*(kind.value for kind in DeadLetterKind), UNREADABLE)
AT_MOST_S = 20.0
"""For one look: a topic of millions of letters is read in several, and until then the source says how far it is."""


class DeadLetters:
    """Counts what `tail` brings. `dealt_with` gives the letters that somebody has dealt with since the last call."""

    def __init__(self, tail: Tail, dealt_with: Callable[[], Iterable[Origin]] = tuple) -> None:
        self._tail = tail
        self._dealt_with = dealt_with
        self._closed: list[Origin] = []
        self._open: dict[int, OpenLetters] = {}

    def close(self) -> None:
        """End the connections."""
        self._tail.close()

    def collect(self) -> Iterator[Sample]:
        """Raises KafkaException when the brokers do not answer, SourceIncomplete while the topic is read at first."""
        # Asked before the letters are read: so each letter that somebody has dealt with is among them.
        self._closed.extend(self._dealt_with())
        for record in self._tail.read(AT_MOST_S):
            letters = self._open.setdefault(record.partition, OpenLetters(KINDS))
            letters.add(record.offset, _kind(record.value), record.written_s)
        if self._tail.behind:
            raise SourceIncomplete(f"{self._tail.behind:,} records of {self._tail.topic} are still to be read")
        for partition, first in self._tail.first_offsets.items():
            if partition in self._open:
                self._open[partition].drop_before(first)
        self._close()
        yield from self._samples(time.time())

    def _close(self) -> None:
        for letter in self._closed:
            if letter.partition in self._open:
                self._open[letter.partition].close(letter.offset)
        self._closed.clear()

    def _samples(self, now_s: float) -> Iterator[Sample]:
        for kind in KINDS:
            oldest_s = [at for letters in self._open.values() if (at := letters.oldest_s(kind)) is not None]
            count = sum(letters.count(kind) for letters in self._open.values())
            yield sample("outbox_dlq_messages", count, kind=kind)
            age_s = max(0.0, now_s - min(oldest_s)) if oldest_s else 0.0
            yield sample("outbox_dlq_oldest_age_seconds", age_s, kind=kind)


def _kind(value: bytes | None) -> str:
    try:
        return codecs.DEAD_LETTERS.decode(value).kind.value
    except (UnreadableMessage, UnknownSchema):
        return UNREADABLE
