"""Places in topics: how far a group has acknowledged, how far back a topic reaches, single records by their address."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.messages import Origin

TIMEOUT_S = 15.0
COORDINATOR_PAUSE_S = 0.2
_COORDINATOR_MOVES = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
NEAR = 5000
"""Records that are read over rather than sought past."""


def acknowledged(bootstrap_servers: str, group: str, topic: str) -> dict[int, int]:
    """Committed offsets by partition; 0 where the group never committed. Raises confluent_kafka.KafkaException."""
    with closing(_consumer(bootstrap_servers, group)) as consumer:
        partitions = [TopicPartition(topic, partition) for partition in _partitions(consumer, topic)]
        return {at.partition: max(0, at.offset) for at in _committed(consumer, partitions)}


def _committed(consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """Patient while the group's coordinator moves."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            found: list[TopicPartition] = consumer.committed(partitions, timeout=TIMEOUT_S)
            return found
        except KafkaException as error:
            if error.args[0].code() not in _COORDINATOR_MOVES or time.monotonic() > deadline:
                raise
            time.sleep(COORDINATOR_PAUSE_S)


def kept_since(bootstrap_servers: str, topic: str) -> datetime | None:
    """What is older has been removed from one partition at least; None: nothing has been removed.

    Raises confluent_kafka.KafkaException.
    """
    oldest: list[datetime] = []
    with closing(_consumer(bootstrap_servers, "reading")) as consumer:
        for partition in _partitions(consumer, topic):
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
            if first == end > 0:
                oldest.append(datetime.now(UTC))
            elif first > 0:
                oldest.append(_written_at(_record_from(consumer, TopicPartition(topic, partition, first))))
    return max(oldest, default=None)


def first_written_at(bootstrap_servers: str, topic: str) -> datetime | None:
    """When the oldest record that is left was written; None: the topic is empty. Raises KafkaException."""
    oldest: list[datetime] = []
    with closing(_consumer(bootstrap_servers, "reading")) as consumer:
        for partition in _partitions(consumer, topic):
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
            if first < end:
                oldest.append(_written_at(_record_from(consumer, TopicPartition(topic, partition, first))))
    return min(oldest, default=None)


def records_at(bootstrap_servers: str, places: Iterable[Origin]) -> Iterator[Message]:
    """The records at these addresses, which come sorted; those that are gone are left out. Raises KafkaException."""
    with closing(_consumer(bootstrap_servers, "reading")) as consumer:
        standing: tuple[str, int, int] | None = None
        for place in places:
            near = standing is not None and standing[:2] == (place.topic, place.partition)
            if standing is None or not near or not 0 <= place.offset - standing[2] <= NEAR:
                consumer.assign([TopicPartition(place.topic, place.partition, place.offset)])
            with suppress(_Gone):
                message = _record_at(consumer, place)
                yield message
            standing = (place.topic, place.partition, place.offset + 1)


class _Gone(Exception):
    """The record was removed."""


def _record_at(consumer: Consumer, place: Origin) -> Message:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error() is not None or message.offset() < place.offset:
            continue
        if message.offset() > place.offset:
            # The one that was read is another's: whoever wants it next must seek.
            consumer.seek(TopicPartition(place.topic, place.partition, place.offset + 1))
            raise _Gone
        return message
    raise KafkaException(f"the record {place} did not arrive within {TIMEOUT_S:.0f} s")


def _record_from(consumer: Consumer, start: TopicPartition) -> Message:
    """The first record from there on."""
    consumer.assign([start])
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            return message
    raise KafkaException(f"no record of {start.topic} arrived within {TIMEOUT_S:.0f} s")


def _written_at(message: Message) -> datetime:
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    metadata = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    return sorted(metadata.partitions)


def _consumer(bootstrap_servers: str, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
