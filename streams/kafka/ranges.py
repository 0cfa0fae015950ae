"""Reading from given offsets, outside any consumer group: a range of a topic, and what was added to it since."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from types import TracebackType

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.kafka.lag import Stretch
from streams.kafka.reading import READ_TIMEOUT_S

BATCH = 500
POLL_S = 0.2


def consumer_outside_groups(bootstrap_servers: str) -> Consumer:
    """It commits nothing."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "reading",  # required by the library
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20,
            "log_level": 0,
        }
    )


def offsets_at(bootstrap_servers: str, topic: str, partitions: Mapping[int, Stretch], at: datetime) -> dict[int, int]:
    """The first offset of each partition with a time of `at` or later; its end if there is none."""
    wanted = [TopicPartition(topic, partition, int(at.timestamp() * 1000)) for partition in partitions]
    with closing(consumer_outside_groups(bootstrap_servers)) as consumer:
        found = consumer.offsets_for_times(wanted, timeout=READ_TIMEOUT_S)
    return {one.partition: one.offset if one.offset >= 0 else partitions[one.partition].end for one in found}


def read_range(bootstrap_servers: str, topic: str, wanted: Mapping[int, Stretch]) -> Iterator[Message]:
    """The records of each partition's stretch. Raises KafkaException when the brokers do not answer in time."""
    with Tail(bootstrap_servers, topic, {p: stretch.first for p, stretch in wanted.items()}) as tail:
        yield from tail.up_to({p: stretch.end for p, stretch in wanted.items()})


class Tail:
    """Partitions of a topic, read on from where the last reading ended. A context manager."""

    def __init__(self, bootstrap_servers: str, topic: str, starts: Mapping[int, int]) -> None:
        self._topic, self._next = topic, dict(starts)
        self._consumer = consumer_outside_groups(bootstrap_servers)
        self._consumer.assign([TopicPartition(topic, p, offset) for p, offset in starts.items()])

    def __enter__(self) -> Tail:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the brokers."""
        self._consumer.close()

    def news(self) -> Iterator[Message]:
        """Everything that is in the topic at the time of the call and was not read yet. Raises KafkaException."""
        ends = {}
        for partition in self._next:
            at = TopicPartition(self._topic, partition)
            ends[partition] = self._consumer.get_watermark_offsets(at, timeout=READ_TIMEOUT_S)[1]
        yield from self.up_to(ends)

    def up_to(self, ends: Mapping[int, int]) -> Iterator[Message]:
        """What was not read yet and stands before these offsets. Raises KafkaException."""
        due_at = time.monotonic() + READ_TIMEOUT_S
        while not self._is_at(ends):
            for message in self._consumer.consume(BATCH, POLL_S):
                if message.error() is not None:
                    continue  # the next consume tells how it went on
                due_at = time.monotonic() + READ_TIMEOUT_S
                if message.offset() < ends[message.partition()]:
                    yield message
            if time.monotonic() > due_at:
                raise KafkaException(f"no record of {self._topic} arrived within {READ_TIMEOUT_S:.0f} s")

    def _is_at(self, ends: Mapping[int, int]) -> bool:
        """Whether every partition was read so far; offsets may be missing from a topic, positions pass them."""
        for at in self._consumer.position([TopicPartition(self._topic, partition) for partition in self._next]):
            self._next[at.partition] = max(self._next[at.partition], at.offset)
        return all(self._next[partition] >= end for partition, end in ends.items())


def acknowledged(bootstrap_servers: str, group: str, topic: str, held: Mapping[int, Stretch]) -> dict[int, int]:
    """Up to where the group has acknowledged each partition; its first offset if it never did."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group, "log_level": 0})
    with closing(consumer):
        asked = consumer.committed([TopicPartition(topic, partition) for partition in held], timeout=READ_TIMEOUT_S)
    return {at.partition: at.offset if at.offset >= 0 else held[at.partition].first for at in asked}
