"""How committed offsets move from one look to the next: not at all although there is lag, or back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

Spot: TypeAlias = tuple[str, str, int]
"""(group, topic, partition)."""


@dataclass(frozen=True, slots=True)
class Move:
    """`stalled_s`: for how long the offset stood still with lag. `rewinds`: how often it was found further back."""

    stalled_s: float
    rewinds: int


@dataclass(slots=True)
class _Seen:
    committed: int | None
    since: float
    rewinds: int = 0


class Moves:
    """Remembers the last look at each spot. Times are of one monotonic clock, seconds."""

    def __init__(self) -> None:
        self._seen: dict[Spot, _Seen] = {}

    def see(self, spot: Spot, committed: int | None, lag: int, now: float) -> Move:
        """Look at a spot. A group that has lost its offset altogether has gone back as well."""
        seen = self._seen.setdefault(spot, _Seen(committed, now))
        if seen.committed is not None and (committed is None or committed < seen.committed):
            seen.rewinds += 1
        if committed != seen.committed or lag == 0:
            seen.committed, seen.since = committed, now
        return Move(stalled_s=now - seen.since, rewinds=seen.rewinds)

    def keep(self, spots: Collection[Spot]) -> None:
        """Forget every other spot: topics that were removed."""
        for spot in self._seen.keys() - set(spots):
            del self._seen[spot]
