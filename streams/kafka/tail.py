"""Following a topic from its beginning, a look at a time, from outside any consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.kafka.lag import TIMEOUT_S

_POLL_S = 0.2
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRecord:
    """A record; `written_s` in seconds since the epoch."""

    partition: int
    offset: int
    value: bytes | None
    written_s: float


class Tail:
    """Each look brings what has been added since the one before. Close it. Not for several threads at once."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self.topic = topic
        self.first_offsets: dict[int, int] = {}
        """By partition, as of the last look: what is before them was removed."""
        self.behind = 0
        """Records that were there at the last look and were not read in its time."""
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "monitor",  # required by the library; nothing is ever committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",  # what was removed before it was read
                "queued.max.messages.kbytes": 16_384,
                "log_level": 0,
            }
        )
        self._positions: dict[int, int] = {}

    def close(self) -> None:
        """End the connections."""
        self._consumer.close()

    def read(self, at_most_s: float) -> Iterator[TailRecord]:
        """What has been added up to now, or as much of it as comes in time. Iterate to the end.

        Raises confluent_kafka.KafkaException when the topic is missing or the brokers do not answer.
        """
        self._assign_new()
        ends = {partition: self._look(partition) for partition in self._positions}
        deadline = time.monotonic() + at_most_s
        while (behind := self._behind(ends)) and time.monotonic() < deadline:
            messages = self._consumer.consume(_BATCH, _POLL_S)
            for message in messages:
                if message.error() is None:
                    yield _record(message)
                    self._positions[message.partition()] = message.offset() + 1
            for message in messages:  # after the records that came with them, so that none is lost
                self._take_event(message)
        self.behind = behind

    def _assign_new(self) -> None:
        metadata = self._consumer.list_topics(self.topic, timeout=TIMEOUT_S).topics[self.topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        new = [partition for partition in sorted(metadata.partitions) if partition not in self._positions]
        if new:
            self._consumer.incremental_assign([TopicPartition(self.topic, each, OFFSET_BEGINNING) for each in new])
            self._positions |= dict.fromkeys(new, 0)

    def _look(self, partition: int) -> int:
        """The partition's end; its first offset is noted."""
        at = TopicPartition(self.topic, partition)
        found = self._consumer.get_watermark_offsets(at, timeout=TIMEOUT_S)
        if found is None:  # as confluent-kafka says that time is up
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"the end of {self.topic} was not told"))
        end: int
        self.first_offsets[partition], end = found
        return end

    def _take_event(self, message: Message) -> None:
        error = message.error()
        if error is None or error.retriable():
            return
        if error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        # Over what is at the end and no record for a reader.
        self._positions[message.partition()] = message.offset()

    def _behind(self, ends: dict[int, int]) -> int:
        return sum(
            max(0, end - max(self._positions[partition], self.first_offsets[partition]))
            for partition, end in ends.items()
        )


def _record(message: Message) -> TailRecord:
    return TailRecord(
        partition=message.partition(),
        offset=message.offset(),
        value=message.value(),
        written_s=message.timestamp()[1] / 1000,
    )
