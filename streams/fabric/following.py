"""What runs beside the calls for as long as the process lives: the blocks, the height, the wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from streams.fabric.failures import raise_if_cancelled
from streams.telemetry import Event, logger

BEGUN_AGAIN_AFTER_S = 5.0


async def follow(what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run it until cancelled. What nobody expected is told, and it is begun again: without it a renewal is missed."""
    while True:
        try:
            await run()
        except Exception:
            raise_if_cancelled()
            logger().exception(Event.FOLLOWING_FAILED, what=what)
        await asyncio.sleep(BEGUN_AGAIN_AFTER_S)
