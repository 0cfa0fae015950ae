"""Reading a stretch of a topic from outside any consumer group: `assign()`, from a time to the end as it is now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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
    consumer = _consumer(bootstrap_servers)
    with closing(consumer):
        ends = _assign(consumer, topic, since)
        deadline = time.monotonic() + READ_TIMEOUT_S
        while ends:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                yield message
                deadline = time.monotonic() + READ_TIMEOUT_S
            _drop_finished(consumer, topic, ends)
            if time.monotonic() > deadline:
                raise KafkaException(f"no record of {topic} arrived within {READ_TIMEOUT_S:.0f} s")


def decoded_since(bootstrap_servers: str, topic: str, codec: Codec[M], since: datetime) -> Iterator[M]:
    """The messages in the records of `read_since`; what is no message of ours is logged and passed over."""
    for record in read_since(bootstrap_servers, topic, since):
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
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )


def _assign(consumer: Consumer, topic: str, since: datetime) -> dict[int, int]:
    """Position the consumer; the end offset of each partition that has something to read."""
    metadata = consumer.list_topics(topic, timeout=READ_TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    since_ms = max(0, int((since - CLOCK_SKEW).timestamp() * 1000))
    wanted = [TopicPartition(topic, partition, since_ms) for partition in metadata.partitions]
    starts, ends = [], {}
    for start in _patiently(partial(_starts, consumer, wanted)):
        end = _patiently(partial(_end, consumer, start))
        if 0 <= start.offset < end:
            starts.append(start)
            ends[start.partition] = end
    consumer.assign(starts)
    return ends


def _starts(consumer: Consumer, wanted: list[TopicPartition]) -> list[TopicPartition]:
    """Where each partition begins at its time. The library tells some failures only partition by partition."""
    starts: list[TopicPartition] = consumer.offsets_for_times(wanted, timeout=READ_TIMEOUT_S)
    for start in starts:
        if start.error is not None:
            raise KafkaException(start.error)
    return starts


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    end: int = consumer.get_watermark_offsets(partition, timeout=READ_TIMEOUT_S)[1]
    return end


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
