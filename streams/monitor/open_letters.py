"""Which dead letters of one partition are open: a byte and a time for each offset, and so exact in bounded memory."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

CLOSED = 0
_MOST = 1_000_000


class OpenLetters:
    """Letters of `kinds`, added in the order of their offsets. Beyond `most`, the oldest are forgotten: about 9 MB."""

    def __init__(self, kinds: Sequence[str], most: int = _MOST) -> None:
        self._kinds = tuple(kinds)
        self._most = most
        self._first = 0
        self._marks = bytearray()
        self._times_s = array("d")

    @property
    def next_offset(self) -> int:
        """The first offset that was not added."""
        return self._first + len(self._marks)

    def add(self, offset: int, kind: str, written_s: float) -> None:
        """A letter, `written_s` seconds since the epoch. An offset that was added already is passed over."""
        if offset < self.next_offset:
            return
        if not self._marks:
            self._first = offset
        gap = offset - self.next_offset
        self._marks += bytes(gap) + bytes([self._kinds.index(kind) + 1])
        self._times_s.extend([0.0] * gap + [written_s])
        self.drop_before(self.next_offset - self._most)

    def close(self, offset: int) -> None:
        """Somebody has dealt with the letter; nothing if it is not known."""
        if self._first <= offset < self.next_offset:
            self._marks[offset - self._first] = CLOSED

    def is_open(self, offset: int) -> bool:
        """It is known and nobody has dealt with it."""
        return self._first <= offset < self.next_offset and self._marks[offset - self._first] != CLOSED

    def drop_before(self, offset: int) -> None:
        """What retention has removed."""
        gone = max(0, min(offset - self._first, len(self._marks)))
        del self._marks[:gone], self._times_s[:gone]
        self._first += gone

    def count(self, kind: str) -> int:
        """How many are open."""
        return self._marks.count(self._kinds.index(kind) + 1)

    def oldest_s(self, kind: str) -> float | None:
        """When the oldest open one was written, seconds since the epoch; None if there is none."""
        found = self._marks.find(self._kinds.index(kind) + 1)
        return None if found < 0 else self._times_s[found]
