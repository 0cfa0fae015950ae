"""What the breaker does, told: a log line for each change, the newest state on the topic `breakers`.

It is told again now and then, so that a record of a worker that died long ago can be known by its age.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from streams.breaker import BreakerState
from streams.messages import BreakerChange
from streams.telemetry import Event, logger

TOLD_AGAIN_S = 3600.0


class BreakerNews:
    """`publish` takes the newest state only: what has changed again before it was published is of no interest."""

    def __init__(
        self,
        publish: Callable[[BreakerChange], Awaitable[None]],
        *,
        identity: str,
        worker: str,
        now: Callable[[], datetime],
    ) -> None:
        self._publish = publish
        self._identity, self._worker, self._now = identity, worker, now
        self._is_new = asyncio.Event()
        self._newest = self._change(BreakerState.CLOSED, "")

    def begin(self) -> None:
        """The brokers can be reached: nobody shall believe what a worker of this name said before it died."""
        self._is_new.set()

    def changed(self, state: BreakerState, cause: str) -> None:
        """The breaker's `on_change`."""
        if state is BreakerState.OPEN:
            logger().warning(Event.BREAKER_OPEN, cause=cause)
        elif state is BreakerState.CLOSED:
            logger().info(Event.BREAKER_CLOSED)
        self._newest = self._change(state, cause)
        self._is_new.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        await self._is_new.wait()
        while True:
            self._is_new.clear()
            await self._publish(self._newest)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_new.wait(), TOLD_AGAIN_S)

    def _change(self, state: BreakerState, cause: str) -> BreakerChange:
        return BreakerChange(
            identity=self._identity, worker=self._worker, state=state, cause=cause, happened_at=self._now()
        )
