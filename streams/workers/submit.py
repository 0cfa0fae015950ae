"""The worker `submit`, one process per identity: commands.<identity> -> the ledger -> results.

streams worker submit --identity org1-admin
STREAMS_WORKER__IDENTITY=org1-admin faust -A streams.workers.submit worker
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.endings import Ending, Source, dead_letter, unreadable
from streams.errors import SettingsInvalid, UnreadableMessage
from streams.fabric.gateway import connect
from streams.fabric.wallet import load_identity
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.topics import commands_topic
from streams.lanes import InOrder, Lanes, Token
from streams.messages import RoutedCommand
from streams.retry import Backoff
from streams.settings import SubmitSettings, load
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event, configure_logging, logger
from streams.workers.failed_before import FailedBefore, read_failed
from streams.workers.faust_app import LineApp, bytes_topic, line_app, take_all
from streams.workers.names import worker_name
from streams.workers.publishing import Publisher
from streams.workers.records import source_of
from streams.workers.retry_log import RetryLog

SESSION_TIMEOUT_S = 45.0


def create_app(settings: SubmitSettings, identity: str) -> LineApp:
    """The composition of the worker of one identity; loads that identity's key and no other.

    Raises CredentialsInvalid before anything starts.
    """
    load_identity(settings.fabric.wallet, identity, settings.fabric.msp_id, now=_now())
    app = line_app(submit_group(identity), settings.kafka, settings.worker, session_timeout_s=SESSION_TIMEOUT_S)
    worker = SubmitWorker(app, settings, identity)
    app.lifespan, app.before_giving_back = worker.connected, worker.drain

    @app.agent(bytes_topic(app, commands_topic(identity)), name="submit", concurrency=1)
    async def take(stream: Any) -> None:
        await take_all(app, stream, worker.take)

    return app


@dataclass(frozen=True, slots=True)
class Taken:
    """A command in hand: the record it came in, the token that acknowledges it, and what had failed before it."""

    source: Source
    token: Token
    command: RoutedCommand
    taken_at: datetime
    failed_before: FailedBefore


class SubmitWorker:
    """Keeps commands of different keys in flight, publishes how each ended, then acknowledges it."""

    surroundings: Surroundings

    def __init__(self, app: LineApp, settings: SubmitSettings, identity: str) -> None:
        window = settings.submit
        self.settings, self.identity, self.name = settings, identity, worker_name(settings.worker)
        self.publisher = Publisher(app)
        self.in_order = InOrder()
        self.is_draining = False
        self.failed_before: FailedBefore | None = None
        self.in_flight = asyncio.Semaphore(window.max_in_flight)
        self.lanes: Lanes[Taken] = Lanes(self._carry, on_bug=app.crash)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """The worker's lifespan: a gateway to the ledger, signing as the identity."""
        window = self.settings.submit
        async with connect(
            self.settings.fabric, self.identity, on_interruption=_stream_interrupted, tell=_tell
        ) as gateway:
            self.surroundings = Surroundings(
                ledger=gateway,
                backoff=Backoff(base_s=window.retry_base_s, cap_s=window.retry_cap_s, jitter=random.uniform),
                conflict_backoff=Backoff(
                    base_s=window.retry_base_s, cap_s=window.conflict_cap_s, jitter=random.uniform
                ),
                max_attempts=window.max_attempts,
                now=_now,
                sleep=asyncio.sleep,
                report=self.publisher.report,
                notice=RetryLog(time.monotonic).notice,
                worker=self.name,
                settle_s=self.settings.fabric.commit_timeout_s,
            )
            gateway.start()
            yield

    async def take(self, event: Any) -> None:
        """Put one message into its lane; what is not a command of ours becomes a dead letter at once."""
        source = source_of(event.message, self.name)
        token = self.in_order.take(event.message.tp, event.ack)
        try:
            command = codecs.ROUTED_COMMANDS.decode(source.value)
        except UnreadableMessage as error:
            logger().error(Event.MESSAGE_UNREADABLE, origin=str(source.origin), cause=str(error))
            await self.publisher.dead_letter(unreadable(error, source, _now()))
            self.in_order.finish(token)
            return
        if self.failed_before is None:
            read = await asyncio.to_thread(read_failed, self.settings.kafka.bootstrap_servers, self.identity)
            if token.is_stale:
                return  # given back meanwhile: what was read may be out of date for the next assignment
            self.failed_before = read
        keys = (command.ordering_key, *command.touches)
        self.lanes.put(keys, Taken(source, token, command, _now(), self.failed_before))

    async def _carry(self, taken: Taken) -> None:
        """One command to its end: outcome and dead letter are with the brokers before it is acknowledged."""
        if taken.token.is_stale or self.is_draining:
            return
        failed = taken.failed_before.outcome(taken.command)
        if failed is not None:
            await self.publisher.outcome(failed)
        else:
            async with self.in_flight:
                if self.is_draining:
                    return
                ending = await submit(taken.command, taken.taken_at, self.surroundings)
            await self._publish(taken, ending)
        self.in_order.finish(taken.token)

    async def _publish(self, taken: Taken, ending: Ending) -> None:
        letter = dead_letter(ending, taken.source)
        if ending.bug is not None:
            logger().error(Event.COMMAND_PARKED, command_id=taken.command.command_id, exc_info=ending.bug)
        elif letter is not None:
            logger().warning(
                Event.COMMAND_FAILED, command_id=letter.command_id, code=letter.error_code, cause=letter.cause
            )
        if letter is not None:
            await self.publisher.dead_letter(letter)
            taken.failed_before.note(letter)
        await self.publisher.outcome(ending.outcome)

    async def drain(self) -> None:
        """Before partitions are given back: finish what is in flight, within the deadline; forget the rest."""
        self.is_draining = True
        abandoned = await self.lanes.drain(self.settings.submit.drain_timeout_s)
        logger().info(Event.PARTITIONS_GIVEN_BACK, abandoned=abandoned, unacknowledged=self.in_order.unacknowledged)
        self.in_order.forget()
        self.failed_before = None  # others may fail commands of these partitions before they come back
        self.is_draining = False


def _stream_interrupted(cause: str) -> None:
    logger().warning(Event.COMMIT_STREAM_INTERRUPTED, cause=cause)


def _tell(event: Event, cause: str) -> None:
    match event:
        case Event.CERTIFICATE_RENEWED:
            logger().info(Event.CERTIFICATE_RENEWED, cause=cause)
        case Event.CERTIFICATE_REFUSED:
            logger().error(Event.CERTIFICATE_REFUSED, cause=cause)
        case Event.CERTIFICATE_NOT_KEPT:
            logger().warning(Event.CERTIFICATE_NOT_KEPT, cause=cause)
        case _:
            logger().warning(Event.GATEWAY_CHANGED, cause=cause)


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
