"""Consumer lag by committed offsets: what is in a topic and not yet acknowledged by its group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """One group on one topic: records not yet acknowledged, and the topic's length so far."""

    group: str
    topic: str
    records: int
    end_offset: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a partition holds: its first offset, and the one that its next record will get."""

    first: int
    end: int


def stretches(bootstrap_servers: str, topic: str) -> dict[int, Stretch]:
    """By partition. Raises confluent_kafka.KafkaException when the brokers do not answer."""
    return _stretches(_admin(bootstrap_servers), topic)


def lags(bootstrap_servers: str, groups: Mapping[str, str]) -> list[Lag]:
    """The lag of each group -> topic. A group that never committed lags by the whole topic.

    Raises confluent_kafka.KafkaException when the brokers do not answer.
    """
    admin, found = _admin(bootstrap_servers), []
    for group, topic in groups.items():
        held = _stretches(admin, topic)
        committed = _committed(bootstrap_servers, group, topic, held)
        records = sum(stretch.end - committed.get(partition, stretch.first) for partition, stretch in held.items())
        end_offset = sum(stretch.end for stretch in held.values())
        found.append(Lag(group=group, topic=topic, records=records, end_offset=end_offset))
    return found


def _admin(bootstrap_servers: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def _stretches(admin: AdminClient, topic: str) -> dict[int, Stretch]:
    metadata = admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    first = _offsets(admin, topic, metadata.partitions, OffsetSpec.earliest())
    end = _offsets(admin, topic, metadata.partitions, OffsetSpec.latest())
    return {partition: Stretch(first[partition], end[partition]) for partition in first}


def _offsets(admin: AdminClient, topic: str, partitions: Iterable[int], spec: OffsetSpec) -> dict[int, int]:
    asked = admin.list_offsets({TopicPartition(topic, p): spec for p in partitions}, request_timeout=TIMEOUT_S)
    return {at.partition: future.result().offset for at, future in asked.items()}


def _committed(bootstrap_servers: str, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Committed offsets by partition; partitions without one are left out.

    Not by AdminClient.list_consumer_group_offsets: confluent-kafka 2.16.1 crashes the process when the coordinator
    answers that it is moving or loading (librdkafka, rd_kafka_handle_OffsetFetch, of a client without a group).
    """
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group, "log_level": 0})
    with closing(consumer):
        asked = consumer.committed([TopicPartition(topic, partition) for partition in partitions], timeout=TIMEOUT_S)
    return {at.partition: at.offset for at in asked if at.offset >= 0}
