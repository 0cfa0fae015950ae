"""Is a worker stuck: something waits in a partition of its own, nothing holds it back, and nothing is taken."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping


class Progress:
    """Compares what was taken with what is there; `clock` gives seconds.

    `is_held(partition)`: nothing is taken from it on purpose.
    """

    def __init__(
        self, stuck_after_s: float, *, is_held: Callable[[Hashable], bool], clock: Callable[[], float]
    ) -> None:
        self.stuck_after_s = stuck_after_s
        self._is_held, self._clock = is_held, clock
        self._next: dict[Hashable, int] = {}
        self._waits: dict[Hashable, tuple[int, float]] = {}

    def took(self, partition: Hashable, offset: int) -> None:
        """A record was taken."""
        self._next[partition] = offset + 1
        self._waits.pop(partition, None)

    def forget(self) -> None:
        """The partitions were given back."""
        self._next.clear()
        self._waits.clear()

    def observe(self, waiting: Mapping[Hashable, tuple[int, int]]) -> None:
        """(offset from which nothing is acknowledged, end) of each assigned partition, now and then; {}: not known."""
        before, now, self._waits = self._waits, self._clock(), {}
        for partition, (unacknowledged, end) in waiting.items():
            position = max(self._next.get(partition, 0), unacknowledged)
            if position < end and not self._is_held(partition):
                known = before.get(partition)
                self._waits[partition] = known if known is not None and known[0] == position else (position, now)

    def problem(self) -> str | None:
        """What is wrong, in words for a log; None: nothing is."""
        now = self._clock()
        for partition, (position, since) in list(self._waits.items()):
            if now - since >= self.stuck_after_s:
                return f"offset {position} of {partition} waits for {now - since:.0f} s"
        return None
