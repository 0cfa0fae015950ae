"""Reading a stretch of a topic from outside any consumer group: `assign()`, from somewhere to the end as it is now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.errors import UnreadableMessage
from streams.kafka.codecs import Codec, M
from streams.messages import Origin
from streams.telemetry import Event, logger

READ_TIMEOUT_S = 15.0
LEADER_PAUSE_S = 0.1
BATCH_SIZE = 1000
CLOCK_SKEW = timedelta(seconds=60)
_NOT_YET = frozenset(
    {KafkaError._UNKNOWN_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION}
)
R = TypeVar("R")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every record."""


def read_since(bootstrap_servers: str, topic: str, since: datetime) -> Iterator[Message]:
    """The records of every partition of `topic` from about `since` to the end at the time of the call.

    Raises confluent_kafka.KafkaException when the topic is missing or the brokers do not answer in time.
    """
    with closing(_consumer(bootstrap_servers)) as consumer:
        since_ms = max(0, int((since - CLOCK_SKEW).timestamp() * 1000))
        wanted = [TopicPartition(topic, partition, since_ms) for partition in _partitions(consumer, topic)]
        yield from _read(consumer, topic, _patiently(partial(_at_times, consumer, wanted)))


def read_on(bootstrap_servers: str, topic: str, offsets: MutableMapping[int, int]) -> Iterator[Message]:
    """The records from these offsets by partition (none: from the first) to the end at the time of the call.

    The offsets are moved behind what was read. Raises confluent_kafka.KafkaException like `read_since`.
    """
    with closing(_consumer(bootstrap_servers)) as consumer:
        starts = {partition: offsets.get(partition, 0) for partition in _partitions(consumer, topic)}
        for message in _read(consumer, topic, starts):
            yield message
            at = origin_of(message)
            offsets[at.partition] = at.offset + 1


def decoded_since(bootstrap_servers: str, topic: str, codec: Codec[M], since: datetime) -> Iterator[M]:
    """The messages in the records of `read_since`; what is no message of ours is logged and passed over."""
    return decoded(read_since(bootstrap_servers, topic, since), codec)


def decoded(records: Iterable[Message], codec: Codec[M]) -> Iterator[M]:
    """The messages in the records; what is no message of ours is logged and passed over."""
    for record in records:
        try:
            yield codec.decode(record.value())
        except UnreadableMessage as error:
            logger().error(Event.MESSAGE_UNREADABLE, origin=str(origin_of(record)), cause=str(error))


def next_offset(bootstrap_servers: str, topic: str, partition: int, offset: int) -> int:
    """The offset of the first record of a partition at `offset` or after it, whatever was removed. Blocks.

    Raises confluent_kafka.KafkaException when there is none, or when the brokers do not answer in time.
    """
    with closing(_consumer(bootstrap_servers)) as consumer:
        consumer.assign([TopicPartition(topic, partition, offset)])
        deadline = time.monotonic() + READ_TIMEOUT_S
        while time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                return origin_of(message).offset
    raise KafkaException(f"no record of {topic}[{partition}] from {offset} on arrived within {READ_TIMEOUT_S:.0f} s")


def _consumer(bootstrap_servers: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "reading",  # required by the library; nothing is ever committed
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "auto.offset.reset": "earliest",  # of what has left the topic between the question and the answer
            "queued.max.messages.kbytes": 8192,  # a reader may be slower than the brokers
            "log_level": 0,
        }
    )


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    metadata = consumer.list_topics(topic, timeout=READ_TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    return list(metadata.partitions)


def _read(consumer: Consumer, topic: str, starts: Mapping[int, int]) -> Iterator[Message]:
    """The records from these offsets to the end as it is now."""
    assigned, ends = [], {}
    for partition, start in starts.items():
        first, end = _patiently(partial(_watermarks, consumer, TopicPartition(topic, partition)))
        if max(first, start) < end:
            assigned.append(TopicPartition(topic, partition, max(first, start)))
            ends[partition] = end
    consumer.assign(assigned)
    deadline, unread = time.monotonic() + READ_TIMEOUT_S, dict(ends)
    while unread:
        first = consumer.poll(0.2)
        batch = [] if first is None else [first, *consumer.consume(BATCH_SIZE - 1, timeout=0)]
        for message in batch:
            if message.error() is None and origin_of(message).offset < ends[origin_of(message).partition]:
                yield message
                deadline = time.monotonic() + READ_TIMEOUT_S
        _drop_finished(consumer, topic, unread)
        if time.monotonic() > deadline:
            raise KafkaException(f"no record of {topic} arrived within {READ_TIMEOUT_S:.0f} s")


def _at_times(consumer: Consumer, wanted: list[TopicPartition]) -> dict[int, int]:
    """The first offset of each partition at its time, where there is one.

    The library tells some failures only partition by partition.
    """
    found: list[TopicPartition] = consumer.offsets_for_times(wanted, timeout=READ_TIMEOUT_S)
    for at in found:
        if at.error is not None:
            raise KafkaException(at.error)
    return {at.partition: at.offset for at in found if at.offset >= 0}


def _watermarks(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """(first offset, end offset)."""
    first, end = consumer.get_watermark_offsets(partition, timeout=READ_TIMEOUT_S)
    return first, end


def _patiently(ask: Callable[[], R]) -> R:
    """Ask again while a broker starts or a partition's leader moves."""
    deadline = time.monotonic() + READ_TIMEOUT_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            passes = error.args[0].retriable() or error.args[0].code() in _NOT_YET
            if not passes or time.monotonic() > deadline:
                raise
            time.sleep(LEADER_PAUSE_S)


def _drop_finished(consumer: Consumer, topic: str, ends: dict[int, int]) -> None:
    for position in consumer.position([TopicPartition(topic, partition) for partition in ends]):
        if position.offset >= ends[position.partition]:
            del ends[position.partition]


def origin_of(message: Message) -> Origin:
    """The address of a record."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise KafkaException("a record without an address")
    return Origin(topic=topic, partition=partition, offset=offset)
