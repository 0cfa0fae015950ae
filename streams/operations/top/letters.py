"""The last dead letters, read from outside any group."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter

TIMEOUT_S = 5.0


class LastLetters:
    """Follows the topic `dead-letters`; used from one thread at a time."""

    def __init__(self, bootstrap_servers: str, keep: int) -> None:
        self._keep = keep
        self._found: deque[DeadLetter] = deque(maxlen=keep)
        self._is_assigned = False
        self._unread: set[int | None] = set()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "reading",  # required by the library; nothing is ever committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "log_level": 0,
            }
        )

    def newest(self) -> list[DeadLetter]:
        """The last ones, the newest first. Raises confluent_kafka.KafkaException when the brokers do not answer."""
        if not self._is_assigned:
            self._assign()
        due_at = time.monotonic() + TIMEOUT_S
        while self._unread or (message := self._consumer.poll(0)) is not None:
            if self._unread and (message := self._consumer.poll(max(0.0, due_at - time.monotonic()))) is None:
                raise KafkaException(f"no record of {DEAD_LETTERS} arrived within {TIMEOUT_S:.0f} s")
            self._take(message)
        return list(reversed(self._found))

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            self._unread.discard(message.partition())
        elif error is not None:
            raise KafkaException(error)
        else:
            with suppress(UnreadableMessage):  # somebody else's record: none of our letters
                self._found.append(codecs.DEAD_LETTERS.decode(message.value()))

    def _assign(self) -> None:
        """At the last ones of each partition."""
        metadata = self._consumer.list_topics(DEAD_LETTERS, timeout=TIMEOUT_S).topics[DEAD_LETTERS]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        starts = []
        for partition in metadata.partitions:
            first, end = self._consumer.get_watermark_offsets(TopicPartition(DEAD_LETTERS, partition), TIMEOUT_S)
            starts.append(TopicPartition(DEAD_LETTERS, partition, max(first, end - self._keep)))
        self._consumer.assign(starts)
        self._unread = set(metadata.partitions)
        self._is_assigned = True

    def close(self) -> None:
        """Leave the brokers alone."""
        self._consumer.close()
