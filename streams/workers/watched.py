"""A Faust worker that can be looked at from outside: its endpoints, and the watch over its progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from confluent_kafka import KafkaException

from streams.kafka.lag import stretches
from streams.settings import WorkerSettings
from streams.telemetry import Event, logger
from streams.telemetry.endpoints import endpoints, first_problem, turning
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import Tracing
from streams.workers.background import beside
from streams.workers.faust_app import LineApp
from streams.workers.partitions import has_both, unacknowledged

LOOKED_AT_EVERY_S = 30.0


@asynccontextmanager
async def watched(
    app: LineApp,
    settings: WorkerSettings,
    bootstrap_servers: str,
    topics: Sequence[str],
    metrics: Metrics,
    tracing: Tracing,
) -> AsyncIterator[None]:
    """Listen, if the settings say so, and send the last spans at the end; enter it in the worker's event loop.

    `topics`: those that it reads; a partition of a later one is watched if that of the first is assigned too, because
    nothing is taken from it without.
    """
    metrics.watch_status(lambda: app.not_ready_because is None)
    async with closing(tracing), _listening(app, settings, bootstrap_servers, topics, metrics):
        yield


@asynccontextmanager
async def closing(tracing: Tracing) -> AsyncIterator[None]:
    """Send the last spans when it is left."""
    try:
        yield
    finally:
        await asyncio.to_thread(tracing.close)


@asynccontextmanager
async def _listening(
    app: LineApp, settings: WorkerSettings, bootstrap_servers: str, topics: Sequence[str], metrics: Metrics
) -> AsyncIterator[None]:
    if settings.listen is None:
        yield
        return
    live = first_problem(turning(asyncio.get_running_loop()), app.progress.problem)
    with endpoints(settings.listen, live=live, ready=lambda: app.not_ready_because, registry=metrics.registry):
        async with beside(app, _watch(app, bootstrap_servers, topics)):
            yield


async def _watch(app: LineApp, bootstrap_servers: str, topics: Sequence[str]) -> None:
    """Ask the brokers, several times within the patience of the app's progress, until cancelled."""
    while True:
        await asyncio.sleep(min(LOOKED_AT_EVERY_S, app.progress.stuck_after_s / 4))
        if app.not_ready_because is not None:
            continue
        try:
            found = {topic: await asyncio.to_thread(stretches, bootstrap_servers, topic) for topic in topics}
        except KafkaException as error:
            # Brokers that are away are no fault of the worker.
            logger().warning(Event.LAG_NOT_KNOWN, cause=str(error))
            found = {}
        if app.not_ready_because is None:
            app.progress.observe(
                {
                    at: (max(offset, held[at.partition].first), held[at.partition].end)
                    for topic, held in found.items()
                    for at, offset in unacknowledged(app, topic).items()
                    if at.partition in held and has_both(app, at, topics[0])
                }
            )
