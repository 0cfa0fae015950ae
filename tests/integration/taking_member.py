"""`python taking_member.py BOOTSTRAP TOPIC GROUP takes|late|moved|skips`: a member that prints what it takes.

`late`: the seek after an assignment takes longer than Faust's fetcher rests while there are no partitions (1 s), and so
does taking the first record of the assignment.
`moved`: an earlier fetch has got to MOVED_TO when it seeks. `skips`: it goes there after it has sought.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka

from streams.settings import KafkaSettings, WorkerSettings
from streams.telemetry import configure_logging
from streams.workers import faust_app
from streams.workers.line_transport import HeldConsumer
from streams.workers.progress import ALWAYS, Progress

LATE_S = 1.5
MOVED_TO = 5

seek = aiokafka.Consumer.perform_seek
faust_seeks, ours_seeks = aiokafka.Consumer.seek_to_committed, HeldConsumer.seek_to_committed


async def late(self: Any) -> None:
    await seek(self)
    await asyncio.sleep(LATE_S)


async def move(self: Any) -> None:
    await self.seek_wait(dict.fromkeys(self.assignment(), MOVED_TO))


async def moved(self: Any) -> Mapping[Any, int | None]:
    await move(self)
    committed: Mapping[Any, int | None] = await faust_seeks(self)
    return committed


async def skip(self: Any) -> Mapping[Any, int | None]:
    committed: Mapping[Any, int | None] = await ours_seeks(self)
    await move(self)
    return committed


async def nothing() -> None:
    return


def create(bootstrap_servers: str, topic: str, group: str, first_s: float) -> faust_app.LineApp:
    app = faust_app.line_app(
        group,
        KafkaSettings(bootstrap_servers=bootstrap_servers),
        WorkerSettings(name=f"member-{os.getpid()}", static_membership=False),
        session_timeout_s=6.0,
    )
    app.progress = Progress(3600.0, is_held=lambda _: False, at_work_since=lambda _: ALWAYS, clock=time.monotonic)
    app.before_giving_back = nothing
    app.after_assignment = lambda: print("assigned", flush=True)
    generation = None

    async def take(event: Any) -> None:
        nonlocal generation
        print("took", event.message.offset, flush=True)
        if event.message.generation_id != generation:
            await asyncio.sleep(first_s)
            generation = event.message.generation_id
        event.ack()

    @app.agent(faust_app.bytes_topic(app, topic), name="taking", concurrency=1)  # type: ignore[untyped-decorator]
    async def taking(stream: Any) -> None:
        await faust_app.take_all(app, stream, take)

    return app


if __name__ == "__main__":
    bootstrap_servers, topic, group, how = sys.argv[1:]
    configure_logging(stage="taking", worker="member")
    if how == "late":
        aiokafka.Consumer.perform_seek = late
    if how == "moved":
        aiokafka.Consumer.seek_to_committed = moved
    if how == "skips":
        HeldConsumer.seek_to_committed = skip  # type: ignore[method-assign]
    faust_app.run(create(bootstrap_servers, topic, group, first_s=2 * LATE_S if how == "late" else 0.0))
