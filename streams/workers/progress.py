"""Is a worker stuck: something waits in a partition of its own, nothing holds it back, and nothing is taken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from streams.kafka.lag import Stretch


class Progress:
    """Compares what was taken with what is there; `clock` gives seconds.

    `is_held(partition)`: nothing is taken from it on purpose.
    """

    def __init__(self, stuck_after_s: float, *, is_held: Callable[[int], bool], clock: Callable[[], float]) -> None:
        self.stuck_after_s = stuck_after_s
        self._is_held, self._clock = is_held, clock
        self._next: dict[int, int] = {}
        self._waits: dict[int, tuple[int, float]] = {}

    def took(self, partition: int, offset: int) -> None:
        """A record was taken."""
        self._next[partition] = offset + 1
        self._waits.pop(partition, None)

    def forget(self) -> None:
        """The partitions were given back."""
        self._next.clear()
        self._waits.clear()

    def observe(self, stretches: Mapping[int, Stretch], assigned: Collection[int]) -> None:
        """What the brokers say of the partitions. Call it now and then; with nothing, when they do not tell."""
        before, now, self._waits = self._waits, self._clock(), {}
        for partition in assigned:
            stretch = stretches.get(partition)
            if stretch is None or self._is_held(partition):
                continue
            position = max(self._next.get(partition, 0), stretch.committed)
            if position < stretch.end:
                known = before.get(partition)
                self._waits[partition] = known if known is not None and known[0] == position else (position, now)

    def problem(self) -> str | None:
        """What is wrong, in words for a log; None: nothing is."""
        now = self._clock()
        for partition, (position, since) in list(self._waits.items()):
            if now - since >= self.stuck_after_s:
                return f"offset {position} of partition {partition} waits for {now - since:.0f} s"
        return None
