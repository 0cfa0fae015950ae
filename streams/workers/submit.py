"""The worker `submit`, one process per identity: commands.<identity>, replays.<identity> -> the ledger -> results.

streams worker submit --identity org1-admin
STREAMS_WORKER__IDENTITY=org1-admin faust -A streams.workers.submit worker
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from faust.types import TP

from streams.breaker import Breaker
from streams.endings import unreadable
from streams.errors import SettingsInvalid, UnreadableMessage
from streams.fabric.gateway import connect
from streams.fabric.wallet import load_identity
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.replays import replay_of
from streams.kafka.topics import commands_topic, replays_topic
from streams.refusals import load_refusals
from streams.settings import SubmitSettings, load
from streams.telemetry import Event, configure_logging, logger
from streams.telemetry.exporting import tracing
from streams.telemetry.metrics import Metrics
from streams.window import Window
from streams.workers import partitions
from streams.workers.allowance import Allowance
from streams.workers.background import beside
from streams.workers.book import Book, Reader
from streams.workers.breaker_news import BreakerNews
from streams.workers.carrier import Carrier
from streams.workers.decisions import Decisions
from streams.workers.faust_app import LineApp, bytes_topic, line_app, take_all
from streams.workers.gauges import watch_gateway, watch_worker
from streams.workers.health import IdentityHealth
from streams.workers.intake import Intake
from streams.workers.names import worker_name
from streams.workers.news import certificate_or_gateway, stream_interrupted
from streams.workers.ownership import owns_partitions
from streams.workers.patience import backoff, surroundings
from streams.workers.pauses import Pauses
from streams.workers.progress import Progress
from streams.workers.publishing import Publisher
from streams.workers.records import source_of
from streams.workers.resolved import Resolved
from streams.workers.submission_told import SubmissionTold
from streams.workers.taken import Taken, Unreadable
from streams.workers.watched import watched

SESSION_TIMEOUT_S = 45.0


def create_app(settings: SubmitSettings, identity: str) -> LineApp:
    """The composition of the worker of one identity; loads that identity's key and no other.

    Raises CredentialsInvalid or RefusalsInvalid before anything starts.
    """
    load_identity(settings.fabric.wallet, identity, settings.fabric.msp_id, now=_now())
    app = line_app(submit_group(identity), settings.kafka, settings.worker, session_timeout_s=SESSION_TIMEOUT_S)
    worker = SubmitWorker(app, settings, identity)
    app.lifespan, app.before_giving_back, app.after_assignment = worker.running, worker.drain, worker.begin

    @app.agent(bytes_topic(app, commands_topic(identity), replays_topic(identity)), name="submit", concurrency=1)
    async def take(stream: Any) -> None:
        await take_all(app, stream, worker.take)

    return app


class SubmitWorker:
    """What Kafka delivers, given to the carrier; the window, the breaker and the ledger that it works with."""

    carrier: Carrier

    def __init__(self, app: LineApp, settings: SubmitSettings, identity: str) -> None:
        submit, name = settings.submit, worker_name(settings.worker)
        self.app, self.settings, self.identity, self.name = app, settings, identity, name
        self.refusals = load_refusals(settings.refusals)
        self.metrics = Metrics(identity)
        self.tracing = tracing(settings.tracing, stage="submit", worker=name)
        self.publisher = Publisher(app, self.metrics)
        self.breaker_news = BreakerNews(self.publisher.breaker, identity=identity, worker=name, now=_now)
        self.breaker = Breaker(
            threshold=submit.breaker_threshold,
            backoff=backoff(submit.breaker_base_s, submit.breaker_cap_s),
            clock=time.monotonic,
            on_change=self.breaker_news.changed,
        )
        self.window = Window(
            submit.max_in_flight,
            self.breaker,
            most_uncommitted=submit.max_uncommitted,
            weights=submit.tenant_weights,
        )
        self.intake = Intake(
            submit.max_unacknowledged,
            pause=partial(partitions.pause, app),
            resume=partial(partitions.resume, app),
        )
        app.progress = Progress(
            settings.worker.stuck_after_s,
            is_held=self.intake.is_paused,
            at_work_since=self._at_work_since,
            clock=time.monotonic,
        )
        self.decisions = Decisions(settings.kafka.bootstrap_servers, Pauses(identity), Resolved(identity))
        self.owned_since: datetime | None = None
        self.book: Book | None = None
        self.letters = Reader(settings.kafka.bootstrap_servers, identity, partial(partitions.will_come_again, app))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The worker's lifespan: a gateway to the ledger, signing as the identity, and the endpoints."""
        settings, topics = self.settings, (commands_topic(self.identity), replays_topic(self.identity))
        async with (
            connect(
                settings.fabric, self.identity, on_interruption=stream_interrupted, tell=certificate_or_gateway
            ) as gateway,
            watched(self.app, settings.worker, settings.kafka.bootstrap_servers, topics, self.metrics, self.tracing),
            beside(self.app, self.breaker_news.run()),
            self.decisions.followed(self.app.crash),
        ):
            self.carrier = Carrier(
                surroundings=surroundings(
                    settings,
                    ledger=gateway,
                    health=IdentityHealth(self.breaker, self.window),
                    meaning=self.refusals.meaning,
                    report=self.publisher.report,
                    metrics=self.metrics,
                    now=_now,
                    worker=self.name,
                ),
                window=self.window,
                intake=self.intake,
                publisher=self.publisher,
                allowance=Allowance(settings.worker.dead_letters_per_minute, time.monotonic),
                pauses=self.decisions.pauses,
                resolved=self.decisions.resolved,
                on_bug=self.app.crash,
                owns_partitions=partial(owns_partitions, self.app),
                told=SubmissionTold(self.tracing, self.metrics),
            )
            watch_worker(self.metrics, self.breaker, self.window, self.carrier, self.intake)
            self.metrics.watch("outbox_lanes_paused", lambda: self.decisions.pauses.in_force)
            watch_gateway(self.metrics, gateway)
            gateway.start()
            yield

    def _at_work_since(self, partition: Hashable) -> float | None:
        """A replay waits for its share behind others, or for an operator, so its commands may take any time."""
        is_replay = isinstance(partition, TP) and partition.topic == replays_topic(self.identity)
        return None if is_replay else self.intake.at_work_since(partition)

    def begin(self) -> datetime:
        """There is an assignment: what is routed from now on was never another worker's."""
        if self.owned_since is None:
            self.owned_since = _now()
            self.breaker_news.begin()
        return self.owned_since

    async def take(self, event: Any) -> None:
        """Give one record to the carrier; what is not a command of ours becomes a dead letter."""
        message = event.message
        is_replay = message.topic == replays_topic(self.identity)
        if is_replay and not partitions.has_both(self.app, message.tp, commands_topic(self.identity)):
            logger().error(Event.REPLAY_HELD, origin=f"{message.topic}[{message.partition}]")
            partitions.pause(self.app, message.tp)
            return  # not acknowledged, so it comes again with the next assignment
        source = source_of(message, self.name)
        token = self.intake.take(message.tp, event.ack)
        owned_since = self.begin()
        await self.decisions.known()
        if token.is_stale:
            return  # given back meanwhile: the next owner reads it again
        if self.book is None:
            book = await asyncio.to_thread(self.letters.read)
            if token.is_stale:
                return  # given back meanwhile: what was read may be out of date for the next assignment
            self.book = book
        try:
            command = codecs.ROUTED_COMMANDS.decode(source.value)
        except UnreadableMessage as error:
            logger().error(Event.MESSAGE_UNREADABLE, origin=str(source.origin), cause=str(error))
            letter = unreadable(error, source, _now())
            self.carrier.take(Unreadable(letter=letter, token=token, traceparent=source.traceparent))
            return
        self.carrier.take(
            Taken(
                source=source,
                token=token,
                command=command,
                taken_at=_now(),
                owned_since=owned_since,
                book=self.book,
                replay=replay_of(message.headers) if is_replay else None,
            )
        )

    async def drain(self) -> None:
        """Before partitions are given back: finish what is in flight, within the deadline; forget the rest."""
        unacknowledged = self.intake.unacknowledged
        abandoned = await self.carrier.drain(self.settings.submit.drain_timeout_s)
        logger().info(Event.PARTITIONS_GIVEN_BACK, abandoned=abandoned, unacknowledged=unacknowledged)
        if self.app.should_stop:
            await self.publisher.no_breaker(self.identity, self.name)
        self.book, self.owned_since = None, None  # others may fail commands of these partitions before they come back


def _now() -> datetime:
    return datetime.now(UTC)


def __getattr__(name: str) -> LineApp:
    """`app`, made when Faust's own command line asks for it: `faust -A streams.workers.submit worker`."""
    if name != "app":
        raise AttributeError(name)
    settings = load(SubmitSettings)
    identity = settings.worker.identity
    if identity is None:
        raise SettingsInvalid("STREAMS_WORKER__IDENTITY: is not set")
    configure_logging(stage="submit", identity=identity, worker=worker_name(settings.worker))
    return create_app(settings, identity)
