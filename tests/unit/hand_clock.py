"""The clock of an event loop, moved on by hand."""

from __future__ import annotations

import asyncio


class HandClock:
    """Timers of the loop fire when `advance` has reached them, never by the passing of real time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now_s = 1000.0
        loop.time = self.time  # type: ignore[method-assign]

    def time(self) -> float:
        return self.now_s

    async def advance(self, seconds: float) -> None:
        """Time passes, and whatever is due happens."""
        self.now_s += seconds
        for _ in range(20):
            await asyncio.sleep(0)
