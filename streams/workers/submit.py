"""The worker `submit`, one process per identity: commands.<identity> -> the ledger -> results.

streams worker submit --identity org1-admin
STREAMS_WORKER__IDENTITY=org1-admin faust -A streams.workers.submit worker
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.endings import Ending, Source, dead_letter, parked, unreadable
from streams.errors import LedgerError, SettingsInvalid, UnreadableMessage
from streams.fabric.gateway import connect
from streams.fabric.wallet import load_identity
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.lanes import InOrder, Lanes, Token
from streams.messages import DeadLetter, Outcome, RoutedCommand
from streams.retry import Backoff, Verdict
from streams.settings import SubmitSettings, load
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event, configure_logging, logger
from streams.workers.failed_before import FailedBefore, read_failed
from streams.workers.faust_app import LineApp, bytes_topic, line_app, publish, take_all
from streams.workers.names import worker_name
from streams.workers.records import source_of

SESSION_TIMEOUT_S = 45.0
TAKEN_PER_IN_FLIGHT = 4
"""How many commands may be taken (in flight or queued behind one of their key) per command in flight."""


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
    """A command in hand: the record it came in, and the token that acknowledges it."""

    source: Source
    token: Token
    command: RoutedCommand
    taken_at: datetime


class SubmitWorker:
    """Keeps commands of different keys in flight, publishes how each ended, then acknowledges it."""

    surroundings: Surroundings

    def __init__(self, app: LineApp, settings: SubmitSettings, identity: str) -> None:
        window = settings.submit
        self.app, self.settings, self.identity = app, settings, identity
        self.name = worker_name(settings.worker)
        self.in_order = InOrder()
        self.is_draining = False
        self.failed_before: FailedBefore | None = None
        self.lanes: Lanes[Taken] = Lanes(
            self._carry,
            max_in_flight=window.max_in_flight,
            max_taken=window.max_in_flight * TAKEN_PER_IN_FLIGHT,
            on_bug=app.crash,
        )

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
                report=self._report,
                notice=_notice,
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
            await self._publish_dead_letter(unreadable(error, source, _now()))
            self.in_order.finish(token)
            return
        if self.failed_before is None:
            self.failed_before = await asyncio.to_thread(read_failed, self.settings.kafka.bootstrap_servers)
        await self.lanes.put(command.ordering_key, Taken(source, token, command, _now()))

    async def _carry(self, taken: Taken) -> None:
        """One command to its end: outcome and dead letter are with the brokers before it is acknowledged."""
        if taken.token.is_stale or self.is_draining:
            return
        failed = self.failed_before.outcome(taken.command) if self.failed_before else None
        if failed is not None:
            await (await self._send(failed))
            self.in_order.finish(taken.token)
            return
        try:
            ending = await submit(taken.command, taken.taken_at, self.surroundings)
        except Exception as bug:
            logger().exception(Event.COMMAND_PARKED, command_id=taken.command.command_id)
            ending = parked(taken.command, bug, self.name, _now())
        await self._publish(taken, ending)
        self.in_order.finish(taken.token)

    async def _publish(self, taken: Taken, ending: Ending) -> None:
        letter = dead_letter(ending, taken.source)
        if letter is not None:
            logger().warning(
                Event.COMMAND_FAILED, command_id=letter.command_id, code=letter.error_code, cause=letter.cause
            )
            await self._publish_dead_letter(letter)
            if self.failed_before is not None:
                self.failed_before.note(letter)
        await (await self._send(ending.outcome))

    async def _send(self, outcome: Outcome) -> Any:
        key, headers = outcome.command_id.encode(), {"command_id": outcome.command_id}
        return await publish(self.app, RESULTS, key, codecs.OUTCOMES.encode(outcome), headers)

    async def _report(self, outcome: Outcome) -> None:
        await self._send(outcome)

    async def _publish_dead_letter(self, letter: DeadLetter) -> None:
        value, headers = codecs.DEAD_LETTERS.encode(letter), {"origin": str(letter.origin)}
        await (await publish(self.app, DEAD_LETTERS, letter.key, value, headers))

    async def drain(self) -> None:
        """Before partitions are given back: finish what is in flight, within the deadline; forget the rest."""
        self.is_draining = True
        abandoned = await self.lanes.drain(self.settings.submit.drain_timeout_s)
        logger().info(Event.PARTITIONS_GIVEN_BACK, abandoned=abandoned, unacknowledged=self.in_order.unacknowledged)
        self.in_order.forget()
        self.failed_before = None  # others may fail commands of these partitions before they come back
        self.is_draining = False


def _notice(command: RoutedCommand, error: LedgerError, decision: Verdict) -> None:
    if decision is Verdict.GIVE_UP:
        return  # told when its dead letter is written
    # A conflict is the ledger's everyday work; anything else is worth a line.
    log = logger().debug if decision is Verdict.NEW_TRANSACTION else logger().warning
    log(Event.COMMAND_RETRIED, command_id=command.command_id, verdict=decision, code=error.code, cause=str(error))


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
    configure_logging(stage="submit", identity=identity)
    return create_app(settings, identity)
