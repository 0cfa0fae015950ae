"""The worker `route`: change events -> commands.<identity>, or a dead letter and a FAILED outcome.

streams worker route            (or: faust -A streams.workers.route worker)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from streams.endings import Source, refused
from streams.errors import MalformedCommand, RefusedCommand
from streams.kafka import codecs
from streams.kafka.groups import ROUTE
from streams.kafka.topics import DEAD_LETTERS, MAX_MESSAGE_BYTES, RESULTS, RETENTION, commands_topic
from streams.lanes import Abandoned, InOrder, Token
from streams.messages import ChangeEvent, RoutedCommand
from streams.postgres.profiles import Profile, load_profile
from streams.routes.table import Routes, load_routes
from streams.settings import RouteSettings, load
from streams.stages.capture import capture
from streams.stages.route import RouteRefusal, route
from streams.telemetry import Event, configure_logging, logger
from streams.telemetry.exporting import tracing
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import carrying
from streams.workers.allowance import Allowance
from streams.workers.faust_app import LineApp, bytes_topic, line_app, publish, take_all
from streams.workers.names import worker_name
from streams.workers.progress import ALWAYS, Progress
from streams.workers.records import Record, source_of
from streams.workers.routed_before import LOOK_BACK, RoutedBefore, look_back_to, read_routed
from streams.workers.routing_told import RoutingTold, Told
from streams.workers.slot import Rests
from streams.workers.watched import watched

SESSION_TIMEOUT_S = 10.0
"""Short: replicas of this worker stand by, so a dead one must be noticed soon."""

MAX_UNACKNOWLEDGED = 1000
DELIVERY_TIMEOUT_S = 30.0
MAX_COMMAND_BYTES = MAX_MESSAGE_BYTES - 64 * 1024
"""Key and value of a routed command, with room for headers. A number may grow when it is written out: 1e20."""


def create_app(settings: RouteSettings) -> LineApp:
    """The composition of the worker `route`."""
    app = line_app(ROUTE, settings.kafka, settings.worker, session_timeout_s=SESSION_TIMEOUT_S)
    profile = load_profile(settings.postgres.profile)
    topic, metrics = profile.cdc_topic(settings.kafka.topic_prefix), Metrics()
    spans = tracing(settings.tracing, stage="route", worker=worker_name(settings.worker))
    worker = RouteWorker(
        app=app,
        routes=load_routes(settings.routes),
        profile=profile,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        name=worker_name(settings.worker),
        now=lambda: datetime.now(UTC),
        metrics=metrics,
        told=RoutingTold(spans, metrics),
        allowance=Allowance(settings.worker.dead_letters_per_minute, time.monotonic),
    )
    app.progress = Progress(
        settings.worker.stuck_after_s,
        is_held=worker.is_held,
        at_work_since=lambda partition: None if worker.is_held(partition) else ALWAYS,
        clock=time.monotonic,
    )
    app.before_giving_back = worker.drain
    app.lifespan = partial(watched, app, settings.worker, worker.bootstrap_servers, (topic,), metrics, spans)

    @app.agent(bytes_topic(app, topic), name="route", concurrency=1)
    async def take(stream: Any) -> None:
        await take_all(app, stream, worker.take)

    return app


@dataclass(slots=True)
class RouteWorker:
    """Routes events in order; acknowledges each when the brokers have what became of it."""

    app: LineApp
    routes: Routes
    profile: Profile
    bootstrap_servers: str
    name: str
    now: Callable[[], datetime]
    metrics: Metrics
    told: RoutingTold
    allowance: Allowance
    in_order: InOrder = field(default_factory=InOrder)
    rests: Rests = field(default_factory=Rests)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_UNACKNOWLEDGED))
    deliveries: set[asyncio.Task[None]] = field(default_factory=set)
    routed_before: RoutedBefore | None = None

    async def take(self, event: Any) -> None:
        """Send what becomes of one change event; the records of one key leave in the order of the events."""
        token = self.in_order.take(event.message.tp, event.ack)
        await self.slots.acquire()
        try:
            await self.allowance.room(self.rests.sleep)
        except Abandoned:
            self.slots.release()
            return  # given back while it waited: the next owner reads it again
        source, change, told = source_of(event.message, self.name), None, None
        try:
            change = capture(source.value, origin=source.origin, columns=self.profile.columns)
            if await self._was_routed(change, token):
                self.metrics.absorbed()
                records = []
            else:
                told = self.told.begin(change)
                told.command = command = route(change, self.routes, routed_at=self.now())
                records = [self._routed(command, source)]
        except RefusedCommand as error:
            records = self._refused(error, change, source, told)
        if token.is_stale:
            self.slots.release()
            return  # given back while it waited: the next owner reads it again
        with carrying(told.traceparent if told else None):
            sent = [await publish(self.app, r.topic, r.key, r.value, r.headers) for r in records]
        delivery = asyncio.create_task(self._deliver(token, sent, change, told))
        self.deliveries.add(delivery)
        delivery.add_done_callback(self.deliveries.discard)

    def is_held(self, _: object) -> bool:
        """Nothing is taken now, on purpose."""
        return self.slots.locked() or self.allowance.wait_s > 0

    async def _was_routed(self, change: ChangeEvent, token: Token) -> bool:
        known, since = self.routed_before, look_back_to(change)
        if known is not None and change.from_snapshot and since < known.since:
            # A snapshot emits rows that are much older than those before: whatever the topics still hold may count.
            since, known = change.captured_at - RETENTION - LOOK_BACK, None
        if known is None:
            known = await asyncio.to_thread(read_routed, self.bootstrap_servers, self.routes.identities, since)
            if not token.is_stale:  # otherwise out of date for the next assignment
                self.routed_before = known
        return change.command.command_id in known

    async def _deliver(
        self, token: Token, sent: list[asyncio.Future[Any]], change: ChangeEvent | None, told: Told | None
    ) -> None:
        try:
            await asyncio.gather(*sent)
            if change is not None and self.routed_before is not None:
                self.routed_before.note(change.command.command_id)
            if told is not None:
                told.delivered()
            self.in_order.finish(token)
        except Exception as error:
            # Not delivered: nothing behind it is acknowledged either; a restarted worker reads it again.
            await self.app.crash(error)
        finally:
            self.slots.release()

    def _routed(self, command: RoutedCommand, source: Source) -> Record:
        headers = {"command_id": command.command_id, "origin": str(source.origin)}
        key, value = command.ordering_key.encode(), codecs.ROUTED_COMMANDS.encode(command)
        if len(key) + len(value) > MAX_COMMAND_BYTES:
            raise MalformedCommand(
                f"the call takes {len(key) + len(value)} bytes of {MAX_COMMAND_BYTES}; write a smaller command",
                code=RouteRefusal.COMMAND_TOO_LARGE,
                command_id=command.command_id,
            )
        return Record(commands_topic(command.identity), key, value, headers)

    def _refused(
        self, error: RefusedCommand, change: ChangeEvent | None, source: Source, told: Told | None
    ) -> list[Record]:
        letter, outcome = refused(error, change, source, self.now())
        if told is not None:
            told.refused_because(str(error), letter.happened_at)
        logger().warning(
            Event.COMMAND_REFUSED, command_id=letter.command_id, code=error.code, origin=str(source.origin)
        )
        self.allowance.spend()
        self.metrics.dead_letter(letter.kind)
        headers = {"origin": str(source.origin)}
        records = [Record(DEAD_LETTERS, source.key, codecs.DEAD_LETTERS.encode(letter), headers)]
        if outcome is not None:
            self.metrics.outcome(outcome)
            records.append(Record(RESULTS, outcome.command_id.encode(), codecs.OUTCOMES.encode(outcome), headers))
        return records

    async def drain(self) -> None:
        """Before partitions are given back: wait for the brokers, then forget what is still open."""
        self.rests.end()
        if self.deliveries:
            await asyncio.wait(set(self.deliveries), timeout=DELIVERY_TIMEOUT_S)
        logger().info(Event.PARTITIONS_GIVEN_BACK, unacknowledged=self.in_order.unacknowledged)
        self.in_order.forget()
        self.rests.begin()
        self.routed_before = None


def __getattr__(name: str) -> LineApp:
    """`app`, made when Faust's own command line asks for it: `faust -A streams.workers.route worker`."""
    if name != "app":
        raise AttributeError(name)
    settings = load(RouteSettings)
    configure_logging(stage="route", worker=worker_name(settings.worker))
    return create_app(settings)
