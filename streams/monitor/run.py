"""The monitor's process.

streams monitor
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Sequence

from streams.monitor.exposition import Exposition
from streams.monitor.source import Source
from streams.monitor.watch import Watch
from streams.telemetry import Event, logger
from streams.telemetry.endpoints import endpoints, first_problem

STOP_S = 5.0
"""For questions that are under way when the process is asked to end; each ends with the process anyway."""


def run(listen: str, sources: Iterable[Source]) -> None:
    """Ask the sources and answer at `listen` until SIGTERM or SIGINT. Raises OSError if the port is taken."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    watches = [Watch(source) for source in sources]
    with endpoints(
        listen,
        live=first_problem(*(watch.stands_still for watch in watches)),
        ready=lambda: not_ready(watches),
        registry=Exposition(watches).registry,
        remarks=lambda: problems(watches),
    ):
        for watch in watches:
            watch.start()
        logger().info(Event.WORKER_STARTED, listen=listen, sources=[watch.source.name for watch in watches])
        stopping.wait()
        _stop(watches)
    logger().info(Event.WORKER_STOPPED)


def not_ready(watches: Sequence[Watch]) -> str | None:
    """For /ready: until every source was asked once. One that is away is no reason: the others are still told."""
    waiting = [watch.source.name for watch in watches if not watch.is_asked]
    return f"not asked yet: {', '.join(waiting)}" if waiting else None


def problems(watches: Sequence[Watch]) -> list[str]:
    """One line for each source that is away."""
    return [problem for watch in watches if watch.is_asked and (problem := watch.problem()) is not None]


def _stop(watches: Sequence[Watch]) -> None:
    for watch in watches:
        watch.stop()
    for watch in watches:
        watch.join(STOP_S / len(watches))
