"""The worker `route`: change events -> commands.<identity>, or a dead letter and a FAILED outcome.

streams worker route            (or: faust -A streams.workers.route worker)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from streams.endings import Source, refused
from streams.errors import RefusedCommand
from streams.kafka import codecs
from streams.kafka.groups import ROUTE
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.lanes import InOrder, Token
from streams.messages import ChangeEvent
from streams.postgres.profiles import Profile, load_profile
from streams.routes.table import Routes, load_routes
from streams.settings import RouteSettings, load
from streams.stages.capture import capture
from streams.stages.route import route
from streams.telemetry import Event, configure_logging, logger
from streams.workers.faust_app import LineApp, bytes_topic, line_app, publish, take_all
from streams.workers.names import worker_name
from streams.workers.records import Record, source_of

SESSION_TIMEOUT_S = 10.0
"""Short: replicas of this worker stand by, so a dead one must be noticed soon."""

MAX_UNACKNOWLEDGED = 1000
DELIVERY_TIMEOUT_S = 30.0


def create_app(settings: RouteSettings) -> LineApp:
    """The composition of the worker `route`."""
    app = line_app(ROUTE, settings.kafka, settings.worker, session_timeout_s=SESSION_TIMEOUT_S)
    profile = load_profile(settings.postgres.profile)
    worker = RouteWorker(
        app=app,
        routes=load_routes(settings.routes),
        profile=profile,
        name=worker_name(settings.worker),
        now=lambda: datetime.now(UTC),
    )
    app.before_giving_back = worker.drain

    @app.agent(bytes_topic(app, profile.cdc_topic(settings.kafka.topic_prefix)), name="route", concurrency=1)
    async def take(stream: Any) -> None:
        await take_all(app, stream, worker.take)

    return app


@dataclass(slots=True)
class RouteWorker:
    """Routes events in order; acknowledges each when the brokers have what became of it."""

    app: LineApp
    routes: Routes
    profile: Profile
    name: str
    now: Callable[[], datetime]
    in_order: InOrder = field(default_factory=InOrder)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_UNACKNOWLEDGED))
    deliveries: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, event: Any) -> None:
        """Send what becomes of one change event; the records of one key leave in the order of the events."""
        await self.slots.acquire()
        token = self.in_order.take(event.message.tp, event.ack)
        sent = [
            await publish(self.app, record.topic, record.key, record.value, record.headers)
            for record in self.records(event.message)
        ]
        delivery = asyncio.create_task(self._deliver(token, sent))
        self.deliveries.add(delivery)
        delivery.add_done_callback(self.deliveries.discard)

    async def _deliver(self, token: Token, sent: list[asyncio.Future[Any]]) -> None:
        try:
            await asyncio.gather(*sent)
            self.in_order.finish(token)
        except Exception as error:
            # Not delivered: nothing behind it is acknowledged either; a restarted worker reads it again.
            await self.app.crash(error)
        finally:
            self.slots.release()

    def records(self, message: Any) -> list[Record]:
        """What becomes of one Kafka message: a routed command, or a dead letter and perhaps an outcome."""
        source = source_of(message, self.name)
        change: ChangeEvent | None = None
        try:
            change = capture(message.value, origin=source.origin, columns=self.profile.columns)
            command = route(change, self.routes, routed_at=self.now())
        except RefusedCommand as error:
            return self._refused(error, change, source)
        headers = {"command_id": command.command_id, "origin": str(source.origin)}
        value = codecs.ROUTED_COMMANDS.encode(command)
        return [Record(commands_topic(command.identity), command.ordering_key.encode(), value, headers)]

    def _refused(self, error: RefusedCommand, change: ChangeEvent | None, source: Source) -> list[Record]:
        letter, outcome = refused(error, change, source, self.now())
        logger().warning(
            Event.COMMAND_REFUSED, command_id=letter.command_id, code=error.code, origin=str(source.origin)
        )
        headers = {"origin": str(source.origin)}
        records = [Record(DEAD_LETTERS, source.key, codecs.DEAD_LETTERS.encode(letter), headers)]
        if outcome is not None:
            records.append(Record(RESULTS, outcome.command_id.encode(), codecs.OUTCOMES.encode(outcome), headers))
        return records

    async def drain(self) -> None:
        """Before partitions are given back: wait for the brokers, then forget what is still open."""
        if self.deliveries:
            await asyncio.wait(set(self.deliveries), timeout=DELIVERY_TIMEOUT_S)
        logger().info(Event.PARTITIONS_GIVEN_BACK, unacknowledged=self.in_order.unacknowledged)
        self.in_order.forget()


def __getattr__(name: str) -> LineApp:
    """`app`, made when Faust's own command line asks for it: `faust -A streams.workers.route worker`."""
    if name != "app":
        raise AttributeError(name)
    configure_logging(stage="route")
    return create_app(load(RouteSettings))
