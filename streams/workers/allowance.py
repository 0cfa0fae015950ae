"""At most so many dead letters a minute: when something is misconfigured, the line stops instead of failing it all."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from streams.telemetry import Event, logger

MINUTE_S = 60.0


class Allowance:
    """Counts the dead letters of the last minute; `clock` gives seconds. Whoever finds it spent waits."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._spent_at: deque[float] = deque()
        self._is_told = False

    @property
    def wait_s(self) -> float:
        """How long until there is room; 0: there is."""
        now = self._clock()
        while self._spent_at and self._spent_at[0] + MINUTE_S <= now:
            self._spent_at.popleft()
        if len(self._spent_at) < self._most:
            self._is_told = False
            return 0.0
        if not self._is_told:
            logger().error(Event.DEAD_LETTERS_SPENT, most_per_minute=self._most)
            self._is_told = True
        return self._spent_at[0] + MINUTE_S - now

    async def room(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Wait until there is room; `sleep` takes seconds."""
        while (wait_s := self.wait_s) > 0:
            await sleep(wait_s)

    def spend(self) -> None:
        """A dead letter is published."""
        self._spent_at.append(self._clock())
