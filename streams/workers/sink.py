"""The sink: results -> status of the rows. Batches; offsets are committed after the database.

streams sink
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.groups import WRITE_BACK
from streams.kafka.topics import MAX_DEAD_LETTER_BYTES, RESULTS
from streams.messages import Outcome
from streams.postgres.connection import REFUSED, UNAVAILABLE, connect
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import Row, apply_updates, fetch_rows
from streams.settings import SinkSettings
from streams.stages.write_back import FINAL, RowUpdate, write_back
from streams.telemetry import Event, logger
from streams.telemetry.endpoints import endpoints
from streams.telemetry.exporting import tracing
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import from_headers
from streams.workers.sink_letters import SinkLetters
from streams.workers.sink_told import SinkTold

BATCH_SIZE = 500
POLL_S = 0.5
RECONNECT_S = 1.0

_REBALANCED = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError._NO_OFFSET,
    }
)


def run(settings: SinkSettings, name: str) -> None:
    """Run the sink until SIGTERM or SIGINT."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "group.id": WRITE_BACK,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "fetch.wait.max.ms": 20,
            **({"group.instance.id": name} if settings.worker.static_membership else {}),
        }
    )
    metrics, spans = Metrics(), tracing(settings.tracing, stage="write-back", worker=name)
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "acks": "all",
            "message.max.bytes": MAX_DEAD_LETTER_BYTES,
        }
    )
    sink = Sink(
        consumer=consumer,
        letters=SinkLetters(producer, name, metrics),
        told=SinkTold(spans, metrics),
        dsn=settings.postgres.dsn.get_secret_value(),
        profile=load_profile(settings.postgres.profile),
    )
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: sink.stop())
    consumer.subscribe([RESULTS], on_assign=sink.assigned)
    metrics.watch_status(lambda: sink.not_ready() is None)
    live, ready = partial(sink.stands_still, settings.worker.stuck_after_s), sink.not_ready
    try:
        with endpoints(settings.worker.listen, live=live, ready=ready, registry=metrics.registry):
            sink.run()
    finally:
        consumer.close()
        spans.close()


@dataclass(frozen=True, slots=True)
class Read:
    """An outcome, and the record that it came in."""

    message: Message
    outcome: Outcome


@dataclass(slots=True)
class Sink:
    """Writes batches of outcomes into the rows; a batch is repeated until the database has taken it."""

    consumer: Consumer
    letters: SinkLetters
    told: SinkTold
    dsn: str
    profile: Profile
    turned_at: float = field(default_factory=time.monotonic, init=False)
    is_member: bool = field(default=False, init=False)
    is_stopping: bool = field(default=False, init=False)
    connection: psycopg.Connection[Any] | None = field(default=None, init=False)

    def stop(self) -> None:
        """Finish the batch in hand, then end `run`."""
        self.is_stopping = True

    def assigned(self, *_: object) -> None:
        """The sink is a member of its group."""
        self.is_member = True

    def not_ready(self) -> str | None:
        """For /ready."""
        return None if self.is_member else "not yet a member of its group"

    def stands_still(self, stuck_after_s: float) -> str | None:
        """For /live: a database that is away does not stop the loop, only a call that never returns does."""
        age_s = time.monotonic() - self.turned_at
        return f"the loop has not turned for {age_s:.0f} s" if age_s > stuck_after_s else None

    def run(self) -> None:
        """Take batches until stopped."""
        while not self.is_stopping:
            self.turned_at = time.monotonic()
            messages = self._next_batch()
            if messages and self._store(list(self._readable(messages))):
                self._commit(messages)
        self._disconnect()

    def _commit(self, messages: list[Message]) -> None:
        """Commit this batch's own offsets; if the partitions were given away meanwhile, others read it again."""
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            ends[message.topic(), message.partition()] = message.offset() + 1
        try:
            self.consumer.commit(
                offsets=[TopicPartition(topic, partition, offset) for (topic, partition), offset in ends.items()],
                asynchronous=False,
            )
        except KafkaException as error:
            if error.args[0].code() not in _REBALANCED:
                raise

    def _next_batch(self) -> list[Message]:
        """What has arrived: waits for the first message only, so that a lone outcome is written at once."""
        first = self.consumer.poll(POLL_S)
        if first is None:
            return []
        messages = [first, *self.consumer.consume(BATCH_SIZE - 1, timeout=0)]
        for message in messages:
            error = message.error()
            if error is not None and not error.retriable():
                raise KafkaException(error)
        return [message for message in messages if message.error() is None]

    def _readable(self, messages: list[Message]) -> Iterator[Read]:
        for message in messages:
            try:
                yield Read(message, codecs.OUTCOMES.decode(message.value()))
            except UnreadableMessage as error:
                self.letters.unreadable(message, error)

    def _store(self, batch: list[Read]) -> bool:
        """Write the batch, however long Postgres is away; False if stopped before it was written."""
        updates = write_back([read.outcome for read in batch])
        messages = {read.outcome.command_id: read.message for read in batch}
        self.told.hold((read.outcome, from_headers(read.message.headers())) for read in batch)
        while not self.is_stopping:
            self.turned_at = time.monotonic()
            try:
                self._apply(updates, messages)
            except UNAVAILABLE as error:
                self._wait_for_postgres(error)
                continue
            return True
        return False

    def _apply(self, updates: list[RowUpdate], messages: Mapping[str, Message]) -> None:
        """Write the updates; one that the database refuses does not hold up the others, and becomes a dead letter."""
        if not updates:
            return
        if self.connection is None or self.connection.closed:
            self.connection = connect(self.dsn)
        try:
            with self.connection.transaction():
                changed = apply_updates(self.connection, self.profile, updates)
                unchanged = [update for update in updates if update.command_id not in changed]
                rows = fetch_rows(self.connection, self.profile, [update.command_id for update in unchanged])
        except REFUSED as error:
            if isinstance(error, UNAVAILABLE):
                raise
            if len(updates) == 1:
                command_id = updates[0].command_id
                self.letters.unstorable(messages[command_id], command_id, error)
                return
            middle = len(updates) // 2
            self._apply(updates[:middle], messages)
            self._apply(updates[middle:], messages)
            return
        self.told.written(changed)
        for update in unchanged:
            _tell_contradiction(update, rows.get(update.command_id))

    def _disconnect(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(psycopg.Error):  # it is gone either way
                self.connection.close()
            self.connection = None

    def _wait_for_postgres(self, error: psycopg.Error) -> None:
        """Stay a member of the group while the database is away: keep polling, with nothing assigned to read."""
        logger().warning(Event.POSTGRES_UNAVAILABLE, cause=str(error).strip())
        self._disconnect()
        self.consumer.pause(self.consumer.assignment())
        try:
            message = self.consumer.poll(RECONNECT_S)
            if message is not None and message.error() is None:
                raise KafkaException("a paused consumer was given a message; the batch will be read again")
        finally:
            self.consumer.resume(self.consumer.assignment())


def _tell_contradiction(update: RowUpdate, row: Row | None) -> None:
    """An outcome that changed nothing is old news, unless the row says something else for good."""
    if row is None:
        logger().error(Event.ROW_MISSING, command_id=update.command_id, status=update.status)
    elif update.status in FINAL and row.status != update.status:
        logger().error(
            Event.ROW_CONTRADICTS,
            command_id=update.command_id,
            row=row.status,
            outcome=update.status,
            transaction_id=update.transaction_id,
        )
