"""The sink: results -> status of the rows. Batches; offsets are committed after the database.

streams sink
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psycopg
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from streams.endings import Source
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.groups import COMMITTED_LATER, WRITE_BACK
from streams.kafka.reading import origin_of
from streams.kafka.topics import MAX_DEAD_LETTER_BYTES, RESULTS
from streams.postgres.connection import UNAVAILABLE
from streams.postgres.profiles import load_profile
from streams.settings import SinkSettings
from streams.telemetry import Event, logger
from streams.telemetry.endpoints import endpoints
from streams.telemetry.exporting import tracing
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import from_headers
from streams.workers.allowance import Allowance
from streams.workers.held_rows import HeldRows, Partition, Read
from streams.workers.sink_letters import SinkLetters
from streams.workers.sink_rows import SinkRows
from streams.workers.sink_told import SinkTold

BATCH_SIZE = 500
POLL_S = 0.5
REST_S = 1.0


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
    told = SinkTold(spans, metrics)
    sink = Sink(
        consumer=consumer,
        letters=SinkLetters(producer, name, metrics),
        told=told,
        allowance=Allowance(settings.worker.dead_letters_per_minute, time.monotonic),
        rows=SinkRows(settings.postgres.dsn.get_secret_value(), load_profile(settings.postgres.profile), told.written),
    )
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: sink.stop())
    consumer.subscribe([RESULTS], on_assign=sink.assigned, on_revoke=sink.given_away, on_lost=sink.given_away)
    metrics.watch_status(lambda: sink.not_ready() is None)
    live, ready = partial(sink.stands_still, settings.worker.stuck_after_s), sink.not_ready
    try:
        with endpoints(settings.worker.listen, live=live, ready=ready, registry=metrics.registry):
            sink.run()
    finally:
        consumer.close()
        spans.close()


class _Stopped(Exception):
    """Told to stop with a batch in hand: it is read again after the next start."""


@dataclass(slots=True)
class Sink:
    """Writes batches of outcomes into the rows; a batch is repeated until the database has taken it."""

    consumer: Consumer
    letters: SinkLetters
    told: SinkTold
    allowance: Allowance
    rows: SinkRows
    held: HeldRows = field(default_factory=lambda: HeldRows(time.monotonic), init=False)
    committed: dict[Partition, int] = field(default_factory=dict, init=False)
    given_back: set[Partition] = field(default_factory=set, init=False)
    turned_at: float = field(default_factory=time.monotonic, init=False)
    is_member: bool = field(default=False, init=False)
    is_resting: bool = field(default=False, init=False)
    is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Finish the batch in hand, then end `run`."""
        self.is_stopping = True

    def assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """The sink is a member of its group; while it rests, nothing of what it is given is read."""
        self.is_member = True
        if self.is_resting:
            consumer.assign(partitions)
            consumer.pause(partitions)

    def given_away(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """What is held back of them is somebody else's now."""
        gone = [(each.topic, each.partition) for each in partitions]
        self.held.forget(gone)
        self.given_back.update(gone)
        for partition in gone:
            self.committed.pop(partition, None)

    def not_ready(self) -> str | None:
        """For /ready."""
        return None if self.is_member else "not yet a member of its group"

    def stands_still(self, stuck_after_s: float) -> str | None:
        """For /live: a database that is away does not stop the loop, only a call that never returns does."""
        age_s = time.monotonic() - self.turned_at
        return f"the loop has not turned for {age_s:.0f} s" if age_s > stuck_after_s else None

    def run(self) -> None:
        """Take batches until stopped."""
        with suppress(_Stopped):
            while not self.is_stopping:
                self.turned_at = time.monotonic()
                messages = self._next_messages()
                batch = self.held.batch(self._readable(messages))
                if batch:
                    self._store(batch)
                self._commit()
        self.rows.disconnect()

    def _next_messages(self) -> list[Message]:
        """What has arrived: waits for the first message only, so that a lone outcome is written at once."""
        wait_s = min(POLL_S, self.held.wait_s)
        if self.held.is_full:
            self._rest(wait_s)
            return []
        first = self.consumer.poll(wait_s)
        self.given_back.clear()
        if first is None:
            return []
        messages = [first, *self.consumer.consume(BATCH_SIZE - 1, timeout=0)]
        for message in messages:
            error = message.error()
            if error is not None and not error.retriable():
                raise KafkaException(error)
        return [message for message in messages if message.error() is None]

    def _readable(self, messages: Iterable[Message]) -> list[Read]:
        reads = []
        for message in messages:
            source = self._source(message)
            if (source.origin.topic, source.origin.partition) in self.given_back:
                continue  # since it was polled: whoever has the partition now reads it again
            self.held.note(source.origin)
            try:
                reads.append(Read(source, codecs.OUTCOMES.decode(source.value)))
            except UnreadableMessage as error:
                self._room()
                self.letters.unreadable(source, error)
        return reads

    def _store(self, batch: list[Read]) -> None:
        """Write the batch, however long Postgres is away. Raises _Stopped."""
        sources = {read.outcome.command_id: read.source for read in batch}

        def refused(command_id: str, error: psycopg.Error) -> None:
            self._room()
            self.letters.unstorable(sources[command_id], command_id, error)

        self.told.hold((read.outcome, read.source.traceparent) for read in batch)
        while True:
            self._look()
            try:
                locked = self.rows.write([read.outcome for read in batch], refused)
            except UNAVAILABLE as error:
                logger().warning(Event.POSTGRES_UNAVAILABLE, cause=str(error).strip())
                self.rows.disconnect()
                self._rest(REST_S)
            else:
                self.held.settle(batch, locked)
                return

    def _commit(self) -> None:
        """Commit up to where everything is written."""
        offsets = self.held.offsets()
        news = {partition: offset for partition, offset in offsets.items() if self.committed.get(partition) != offset}
        if not news:
            return
        try:
            self.consumer.commit(
                offsets=[TopicPartition(topic, partition, offset) for (topic, partition), offset in news.items()],
                asynchronous=False,
            )
        except KafkaException as error:
            if error.args[0].code() not in COMMITTED_LATER:
                raise
        else:
            self.committed |= news

    def _room(self) -> None:
        """Wait until there is room for a dead letter. Raises _Stopped."""
        while (wait_s := self.allowance.wait_s) > 0:
            self._look()
            self._rest(min(wait_s, REST_S))
        self.allowance.spend()

    def _look(self) -> None:
        self.turned_at = time.monotonic()
        if self.is_stopping:
            raise _Stopped

    def _rest(self, seconds: float) -> None:
        """Stay a member of the group: keep polling, with nothing assigned to read."""
        self.is_resting = True
        self.consumer.pause(self.consumer.assignment())
        try:
            message = self.consumer.poll(seconds)
            if message is not None and message.error() is None:
                raise KafkaException("a paused consumer was given a message; the batch will be read again")
        finally:
            self.is_resting = False
            self.consumer.resume(self.consumer.assignment())

    def _source(self, message: Message) -> Source:
        key = message.key()
        return Source(
            origin=origin_of(message),
            key=key.encode() if isinstance(key, str) else key,
            value=message.value(),
            worker=self.letters.worker,
            traceparent=from_headers(message.headers()),
        )
