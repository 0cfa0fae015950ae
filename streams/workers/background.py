"""What runs beside a worker's stream for as long as the worker does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from streams.workers.faust_app import LineApp


@asynccontextmanager
async def beside(app: LineApp, work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run it until the context is left; what it raises ends the worker."""
    task = asyncio.create_task(_crashing(app, work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _crashing(app: LineApp, work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:
        await app.crash(error)
