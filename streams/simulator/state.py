"""The world state: keys with values and versions. A version is the block and position that wrote the value."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Version(NamedTuple):
    """Which transaction wrote a value."""

    block: int
    position: int


class Entry(NamedTuple):
    """A value and its version."""

    value: bytes
    version: Version


class WorldState:
    """The state after the last committed block, in memory; the blocks are its record.

    Keys are ordered by their UTF-8 bytes, which is the order of Python's strings.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._ordered: list[str] = []
        self._unordered: set[str] = set()

    def get(self, key: str) -> Entry | None:
        """The key's entry, None when there is none."""
        return self._entries.get(key)

    def version(self, key: str) -> Version | None:
        """The key's version, None when there is none."""
        entry = self._entries.get(key)
        return None if entry is None else entry.version

    def range(self, start: str, end: str) -> Iterator[tuple[str, Entry]]:
        """Entries from `start` (inclusive) to `end` (exclusive; "" for no end), in the order of their keys."""
        for key in self._keys_between(start, end):
            entry = self._entries.get(key)
            if entry is not None:
                yield key, entry

    def put(self, key: str, value: bytes, version: Version) -> None:
        """Set a key."""
        if key not in self._entries:
            self._unordered.add(key)
        self._entries[key] = Entry(value, version)

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        self._entries.pop(key, None)

    def _keys_between(self, start: str, end: str) -> Iterable[str]:
        """A copy, so that a block which commits meanwhile does not disturb the reader."""
        if self._unordered:
            # Sorted at the first range after a block, not at every write: sorting an almost sorted list is cheap.
            self._ordered = sorted({*self._ordered, *self._unordered}.intersection(self._entries))
            self._unordered.clear()
        first = bisect_left(self._ordered, start)
        last = bisect_left(self._ordered, end) if end else len(self._ordered)
        return self._ordered[first:last]
