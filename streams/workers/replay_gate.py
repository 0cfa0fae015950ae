"""How many replayed commands are in the lanes at once: a share of the window, so that live commands find room.

Those that wait stand outside the lanes: behind each replayed command in a lane stand the live ones of its key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class ReplayGate(Generic[T]):
    """Lets items in, in their order; `limit` is the width of the window now, `enter` puts an item into the lanes."""

    def __init__(self, limit: Callable[[], int], enter: Callable[[T], None]) -> None:
        self._limit, self._enter = limit, enter
        self._waiting: deque[tuple[float, T]] = deque()
        self.in_flight = 0

    def take(self, share: float, item: T) -> None:
        """It enters when less than its share of the window is in flight, or nothing is."""
        self._waiting.append((share, item))
        self._serve()

    def finished(self) -> None:
        """An item that entered is finished."""
        self.in_flight -= 1
        self._serve()

    def forget(self) -> None:
        """The partitions were given back: nothing waits any more, nothing is in flight."""
        self._waiting.clear()
        self.in_flight = 0

    def _serve(self) -> None:
        while self._waiting and self.in_flight < max(1, int(self._waiting[0][0] * self._limit())):
            _, item = self._waiting.popleft()
            self.in_flight += 1
            self._enter(item)
