"""Dead letters of the sink: what it cannot read, and what the database refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from confluent_kafka import KafkaException, Producer

from streams.endings import Source, unreadable, unstorable
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter
from streams.telemetry import Event, logger
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import HEADER

DELIVERY_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SinkLetters:
    """Publishes and waits. Raises KafkaException when the brokers do not take a letter: the batch is read again."""

    producer: Producer
    worker: str
    metrics: Metrics

    def unreadable(self, source: Source, error: UnreadableMessage) -> None:
        """A record that is no outcome."""
        logger().error(Event.MESSAGE_UNREADABLE, origin=str(source.origin), cause=str(error))
        self._publish(unreadable(error, source, datetime.now(UTC)), source)

    def unstorable(self, source: Source, command_id: str, error: psycopg.Error) -> None:
        """The database will never take this outcome; its row stays as it is."""
        logger().error(Event.OUTCOME_UNSTORABLE, command_id=command_id, cause=str(error))
        self._publish(unstorable(command_id, str(error), source, datetime.now(UTC)), source)

    def _publish(self, letter: DeadLetter, source: Source) -> None:
        headers = {} if source.traceparent is None else {HEADER: source.traceparent.encode()}
        self.producer.produce(DEAD_LETTERS, key=letter.key, value=codecs.DEAD_LETTERS.encode(letter), headers=headers)
        if self.producer.flush(DELIVERY_TIMEOUT_S):
            raise KafkaException("a dead letter was not delivered; the batch will be read again")
        self.metrics.dead_letter(letter.kind)
