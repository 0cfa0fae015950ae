"""Dead letters of the sink: what it cannot read, and what the database refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from confluent_kafka import KafkaException, Message, Producer

from streams.endings import Source, unreadable
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import origin_of
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter, DeadLetterKind
from streams.telemetry import Event, logger
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import HEADER, from_headers

DELIVERY_TIMEOUT_S = 30.0
UNSTORABLE = "OUTCOME_UNSTORABLE"


@dataclass(frozen=True, slots=True)
class SinkLetters:
    """Publishes and waits. Raises KafkaException when the brokers do not take a letter: the batch is read again."""

    producer: Producer
    worker: str
    metrics: Metrics

    def unreadable(self, message: Message, error: UnreadableMessage) -> None:
        """A record that is no outcome."""
        logger().error(Event.MESSAGE_UNREADABLE, origin=str(origin_of(message)), cause=str(error))
        source = self._source(message)
        self._publish(unreadable(error, source, datetime.now(UTC)), source)

    def unstorable(self, message: Message, command_id: str, error: psycopg.Error) -> None:
        """The database will never take this outcome; its row stays as it is."""
        logger().error(Event.OUTCOME_UNSTORABLE, command_id=command_id, cause=str(error))
        source = self._source(message)
        letter = DeadLetter(
            kind=DeadLetterKind.BUG,
            error_code=UNSTORABLE,
            cause=str(error),
            command_id=command_id,
            origin=source.origin,
            key=source.key,
            value=source.value,
            worker=self.worker,
            happened_at=datetime.now(UTC),
        )
        self._publish(letter, source)

    def _source(self, message: Message) -> Source:
        key = message.key()
        return Source(
            origin=origin_of(message),
            key=key.encode() if isinstance(key, str) else key,
            value=message.value(),
            worker=self.worker,
            traceparent=from_headers(message.headers()),
        )

    def _publish(self, letter: DeadLetter, source: Source) -> None:
        headers = {} if source.traceparent is None else {HEADER: source.traceparent.encode()}
        self.producer.produce(DEAD_LETTERS, key=letter.key, value=codecs.DEAD_LETTERS.encode(letter), headers=headers)
        if self.producer.flush(DELIVERY_TIMEOUT_S):
            raise KafkaException("a dead letter was not delivered; the batch will be read again")
        self.metrics.dead_letter(letter.kind)
