"""The Faust app that both stream workers are made of, within Faust's safe subset.

What is avoided, and why (Faust 0.15.3, read in its source and reproduced): agents with concurrency > 1 and automatic
acks lose messages, an event whose agent raised is acked, and acks that are not yet committed are dropped when
partitions are given back. So: one agent, manual acks in order, and a drain and a commit of our own before giving back.
A member that is given its first partitions leaves records out: line_transport.py; unbroken.py ends a worker that does.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import faust

from streams.kafka.reachable import until_kafka_answers
from streams.kafka.reading import next_offset
from streams.kafka.topics import MAX_DEAD_LETTER_BYTES, MAX_MESSAGE_BYTES
from streams.settings import KafkaSettings, WorkerSettings
from streams.telemetry import Event, logger
from streams.telemetry.traceparent import carried
from streams.workers.line_transport import LineTransport
from streams.workers.names import worker_name
from streams.workers.progress import Progress
from streams.workers.unbroken import Unbroken

REBALANCE_TIMEOUT_S = 180.0
A_DAY_S = 86_400.0


class LineApp(faust.App):  # type: ignore[misc]
    """Faust, with a drain that ends.

    `lifespan` is entered before the first message is taken and left after the last one; `before_giving_back` runs
    before partitions are given back and at shutdown; `after_assignment` when there are new ones, perhaps none.
    """

    lifespan: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    before_giving_back: Callable[[], Awaitable[None]]
    after_assignment: Callable[[], object] = staticmethod(lambda: None)
    not_ready_because: str | None = "not yet a member of its group"
    progress: Progress
    bootstrap_servers: str
    unbroken: Unbroken
    _entered: AsyncExitStack

    async def on_start(self) -> None:
        """Enter the lifespan, then start Faust once there are brokers: without them its consumer ends the process."""
        self._entered = AsyncExitStack()
        await self._entered.enter_async_context(self.lifespan())
        await until_kafka_answers(self.bootstrap_servers, lambda: self.should_stop)
        await super().on_start()
        logger().info(Event.WORKER_STARTED)

    async def on_stop(self) -> None:
        """Stop Faust (which drains), then leave the lifespan."""
        self.not_ready_because = "stopping"
        await super().on_stop()
        await self._entered.aclose()
        logger().info(Event.WORKER_STOPPED)

    async def _on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        await super()._on_partitions_assigned(assigned, generation_id)
        if not self.should_stop:
            self.not_ready_because = None
            self.after_assignment()

    async def _consumer_wait_empty(self, consumer: Any, log: Any) -> None:
        # Faust would wait without end for every message, or (stream_wait_empty=False) not at all.
        self.not_ready_because = "giving partitions back"
        await self.before_giving_back()
        self.progress.forget()
        if not await consumer.commit():
            # The periodic commit was under way and did not know the last acks; without news this one does nothing.
            await consumer.commit()

    def _new_transport(self) -> Any:
        return LineTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return LineTransport(self.conf.broker_producer, self)


def line_app(group: str, kafka: KafkaSettings, worker: WorkerSettings, *, session_timeout_s: float) -> LineApp:
    """A Faust app whose consumer group is `group`: at least once, no state, no web server, no topics of its own."""
    app = LineApp(
        group,
        broker=[f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        datadir=Path(tempfile.gettempdir()) / f"faust-{worker_name(worker)}-{group}",
        # Faust's own command line would otherwise replace our log handlers.
        logging_config={"version": 1, "incremental": True, "disable_existing_loggers": False},
        store="memory://",
        processing_guarantee="at_least_once",
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=worker_name(worker) if worker.static_membership else None,
        consumer_max_fetch_size=MAX_MESSAGE_BYTES,
        broker_commit_interval=0.5,
        broker_max_poll_records=100,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 5,
        broker_request_timeout=max(60.0, session_timeout_s + 5),
        broker_rebalance_timeout=REBALANCE_TIMEOUT_S,
        # A worker that waits for the ledger with its window full does not poll, and must not lose its partitions.
        broker_max_poll_interval=A_DAY_S,
        stream_buffer_maxsize=256,
        stream_wait_empty=False,
        producer_acks=-1,
        producer_linger=0,
        producer_max_request_size=MAX_DEAD_LETTER_BYTES,
        producer_request_timeout=30.0,
        web_enabled=False,
        web_tables_enabled=False,
        web_router_enabled=False,
    )
    app.bootstrap_servers = kafka.bootstrap_servers
    app.unbroken = Unbroken(
        committed=lambda partition: app.consumer._committed_offset[partition],
        next_there=partial(next_offset, kafka.bootstrap_servers),
    )
    return app


def bytes_topic(app: LineApp, *names: str) -> Any:
    """Topics as one stream, whose keys and values are bytes as they are; decoding is ours."""
    return app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


async def take_all(app: LineApp, stream: Any, take: Callable[[Any], Awaitable[None]]) -> None:
    """The body of an agent: `take` every event and note that it was taken; what it raises ends the worker.

    Faust would restart the agent behind the event that failed, and the partition would never be acknowledged again.
    So does a record that was left out before it; the next worker is given it.
    """
    try:
        async for event in stream.noack().events():
            await app.unbroken.check(event.message)
            await take(event)
            app.progress.took(event.message.tp, event.message.offset)
    except Exception as error:
        await app.crash(error)
        raise


async def publish(app: LineApp, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, str]) -> Any:
    """Hand a record to the producer, with the trace context that this task carries.

    Awaiting the result waits for the broker's acknowledgement.
    """
    headers = {**headers, **carried()}
    return await app.producer.send(
        topic, key, value, None, None, {name: text.encode() for name, text in headers.items()}
    )


def run(app: LineApp) -> None:
    """Run the worker until SIGTERM or SIGINT. Does not return: leaves with the worker's exit code."""
    with Path(os.devnull).open("w") as nowhere:  # Faust draws a spinner there; our log is on standard error
        faust.Worker(
            app, loglevel="WARNING", quiet=True, redirect_stdouts=False, override_logging=False, stdout=nowhere
        ).execute_from_commandline()
