"""The sink: results -> status of the rows. Batches; offsets are committed after the database.

streams sink
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from confluent_kafka import Consumer, KafkaException, Message, Producer

from streams.endings import Source, unreadable
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.groups import WRITE_BACK
from streams.kafka.topics import DEAD_LETTERS, RESULTS
from streams.messages import Origin, Outcome
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import apply_updates
from streams.settings import SinkSettings
from streams.stages.write_back import RowUpdate, write_back
from streams.telemetry import Event, logger

BATCH_SIZE = 500
POLL_S = 0.5
RECONNECT_S = 1.0
DELIVERY_TIMEOUT_S = 30.0


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
    sink = Sink(
        consumer=consumer,
        producer=Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "acks": "all"}),
        dsn=settings.postgres.dsn.get_secret_value(),
        profile=load_profile(settings.postgres.profile),
        name=name,
    )
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: sink.stop())
    consumer.subscribe([RESULTS])
    try:
        sink.run()
    finally:
        consumer.close()


@dataclass(slots=True)
class Sink:
    """Writes batches of outcomes into the rows; a batch is repeated until the database has taken it."""

    consumer: Consumer
    producer: Producer
    dsn: str
    profile: Profile
    name: str
    is_stopping: bool = field(default=False, init=False)
    connection: psycopg.Connection[Any] | None = field(default=None, init=False)

    def stop(self) -> None:
        """Finish the batch in hand, then end `run`."""
        self.is_stopping = True

    def run(self) -> None:
        """Take batches until stopped."""
        while not self.is_stopping:
            messages = self._next_batch()
            if messages and self._store(list(self._readable(messages))):
                self.consumer.commit(asynchronous=False)
        if self.connection is not None:
            self.connection.close()

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

    def _readable(self, messages: list[Message]) -> Iterator[Outcome]:
        for message in messages:
            try:
                yield codecs.OUTCOMES.decode(message.value())
            except UnreadableMessage as error:
                self._dead_letter(message, error)

    def _dead_letter(self, message: Message, error: UnreadableMessage) -> None:
        origin = Origin(topic=message.topic() or "", partition=message.partition() or 0, offset=message.offset() or 0)
        key = message.key()
        source = Source(
            origin=origin,
            key=key.encode() if isinstance(key, str) else key,
            value=message.value(),
            worker=self.name,
        )
        logger().error(Event.MESSAGE_UNREADABLE, origin=str(origin), cause=str(error))
        letter = unreadable(error, source, datetime.now(UTC))
        self.producer.produce(DEAD_LETTERS, key=source.key, value=codecs.DEAD_LETTERS.encode(letter))
        if self.producer.flush(DELIVERY_TIMEOUT_S):
            raise KafkaException("a dead letter was not delivered; the batch will be read again")

    def _store(self, outcomes: list[Outcome]) -> bool:
        """Write the batch, however long Postgres is away; False if stopped before it was written."""
        updates = write_back(outcomes)
        while not self.is_stopping:
            try:
                changed = self._apply(updates) if updates else set()
            except psycopg.OperationalError as error:
                self._wait_for_postgres(error)
                continue
            for update in updates:
                if update.command_id not in changed:
                    logger().debug(Event.OUTCOME_IGNORED, command_id=update.command_id, status=update.status)
            return True
        return False

    def _apply(self, updates: list[RowUpdate]) -> set[str]:
        if self.connection is None or self.connection.closed:
            self.connection = psycopg.connect(self.dsn, connect_timeout=5)
        with self.connection.transaction():
            return apply_updates(self.connection, self.profile, updates)

    def _wait_for_postgres(self, error: psycopg.OperationalError) -> None:
        """Stay a member of the group while the database is away: keep polling, with nothing assigned to read."""
        logger().warning(Event.POSTGRES_UNAVAILABLE, cause=str(error).strip())
        if self.connection is not None:
            with contextlib.suppress(psycopg.Error):
                self.connection.close()
            self.connection = None
        partitions = self.consumer.assignment()
        self.consumer.pause(partitions)
        try:
            message = self.consumer.poll(RECONNECT_S)
            if message is not None and message.error() is None:
                raise KafkaException("a paused consumer was given a message; the batch will be read again")
        finally:
            self.consumer.resume(self.consumer.assignment())
