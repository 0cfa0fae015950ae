"""What a group has not acknowledged: records that a worker has in hand, or will be given."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

TIMEOUT_S = 15.0


def unacknowledged(bootstrap_servers: str, group: str, topics: Iterable[str]) -> Iterator[Message]:
    """The records of the topics from the group's committed offsets to the end as it is now.

    Raises confluent_kafka.KafkaException when a topic is missing or the brokers do not answer in time.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,  # its offsets are read; nothing is ever committed, and nobody joins
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    with closing(consumer):
        ends: dict[tuple[str, int], tuple[int, int]] = {}
        for topic in topics:
            ends |= _stretch(consumer, topic)
        consumer.assign([TopicPartition(topic, partition, start) for (topic, partition), (start, _) in ends.items()])
        deadline = time.monotonic() + TIMEOUT_S
        while ends:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                yield message
                deadline = time.monotonic() + TIMEOUT_S
            for at in consumer.position([TopicPartition(*place) for place in ends]):
                if at.offset >= ends[at.topic, at.partition][1]:
                    del ends[at.topic, at.partition]
            if time.monotonic() > deadline:
                raise KafkaException(f"no record of {', '.join({topic for topic, _ in ends})} arrived in time")


def _stretch(consumer: Consumer, topic: str) -> dict[tuple[str, int], tuple[int, int]]:
    """(start, end) of each partition that has something to read."""
    metadata = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    found = {}
    for at in consumer.committed([TopicPartition(topic, partition) for partition in metadata.partitions], TIMEOUT_S):
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, at.partition), timeout=TIMEOUT_S)
        start = max(first, at.offset) if at.offset >= 0 else first
        if start < end:
            found[topic, at.partition] = (start if at.offset >= 0 else OFFSET_BEGINNING, end)
    return found
