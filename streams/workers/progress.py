"""Is a worker stuck: nothing holds it back, and yet nothing is taken, or what was taken comes to no end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

ALWAYS = float("-inf")
"""Longer than any patience."""

_Wait = tuple[int, float]
"""The offset that waits, and since when."""


class Progress:
    """Compares what was taken, and what was acknowledged, with what is there; `clock` gives seconds.

    `is_held(partition)`: nothing is taken from it on purpose. `at_work_since(partition)`: since when the oldest command
    that is not acknowledged has been at work without a rest; None: it waits on purpose.
    """

    def __init__(
        self,
        stuck_after_s: float,
        *,
        is_held: Callable[[Hashable], bool],
        at_work_since: Callable[[Hashable], float | None],
        clock: Callable[[], float],
    ) -> None:
        self.stuck_after_s = stuck_after_s
        self._is_held, self._at_work_since, self._clock = is_held, at_work_since, clock
        self._next: dict[Hashable, int] = {}
        self._not_taken: dict[Hashable, _Wait] = {}
        self._not_ended: dict[Hashable, _Wait] = {}

    def took(self, partition: Hashable, offset: int) -> None:
        """A record was taken."""
        self._next[partition] = offset + 1
        self._not_taken.pop(partition, None)

    def forget(self) -> None:
        """The partitions were given back."""
        self._next.clear()
        self._not_taken.clear()
        self._not_ended.clear()

    def observe(self, waiting: Mapping[Hashable, tuple[int, int]]) -> None:
        """(offset from which nothing is acknowledged, end) of each assigned partition, now and then; {}: not known."""
        taken_before, self._not_taken = self._not_taken, {}
        ended_before, self._not_ended = self._not_ended, {}
        now = self._clock()
        for partition, (unacknowledged, end) in waiting.items():
            position = max(self._next.get(partition, 0), unacknowledged)
            if position < end and not self._is_held(partition):
                self._not_taken[partition] = _as_before(taken_before.get(partition), position, now)
            at_work_since = self._at_work_since(partition)
            if unacknowledged < position and at_work_since is not None:
                offset, since = _as_before(ended_before.get(partition), unacknowledged, now)
                self._not_ended[partition] = offset, max(since, at_work_since)

    def problem(self) -> str | None:
        """What is wrong, in words for a log; None: nothing is."""
        now = self._clock()
        for what, waits in (("waits", self._not_taken), ("comes to no end", self._not_ended)):
            for partition, (offset, since) in list(waits.items()):
                if now - since >= self.stuck_after_s:
                    return f"offset {offset} of {partition} {what} for {now - since:.0f} s"
        return None


def _as_before(known: _Wait | None, offset: int, now: float) -> _Wait:
    return known if known is not None and known[0] == offset else (offset, now)
