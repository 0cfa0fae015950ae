"""Consumer lag by committed offsets: what is in a topic and not yet acknowledged by its group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
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
    """Of one partition: the offset that its group has committed (never: its first one), and its end."""

    committed: int
    end: int


def stretches(bootstrap_servers: str, group: str, topic: str) -> dict[int, Stretch]:
    """How far a group has come in each partition. Raises confluent_kafka.KafkaException."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    starts, ends = _ends(admin, topic)
    committed = _committed(admin, group, ends)
    return {
        partition: Stretch(max(committed.get(partition, 0), starts[partition]), end) for partition, end in ends.items()
    }


def lags(bootstrap_servers: str, groups: Mapping[str, str]) -> list[Lag]:
    """The lag of each group -> topic. A group that never committed lags by the whole topic.

    Raises confluent_kafka.KafkaException when the brokers do not answer.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    found = []
    for group, topic in groups.items():
        starts, ends = _ends(admin, topic)
        committed = _committed(admin, group, ends)
        records = sum(end - committed.get(partition, starts[partition]) for partition, end in ends.items())
        found.append(Lag(group=group, topic=topic, records=records, end_offset=sum(ends.values())))
    return found


def _ends(admin: AdminClient, topic: str) -> tuple[dict[int, int], dict[int, int]]:
    """(first offset, end offset) by partition."""
    metadata = admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    first = _offsets(admin, topic, metadata.partitions, OffsetSpec.earliest())
    end = _offsets(admin, topic, metadata.partitions, OffsetSpec.latest())
    return first, end


def _offsets(admin: AdminClient, topic: str, partitions: Iterable[int], spec: OffsetSpec) -> dict[int, int]:
    asked = admin.list_offsets({TopicPartition(topic, p): spec for p in partitions}, request_timeout=TIMEOUT_S)
    return {at.partition: future.result().offset for at, future in asked.items()}


def _committed(admin: AdminClient, group: str, ends: Mapping[int, int]) -> dict[int, int]:
    """Committed offsets by partition; partitions without one are left out."""
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=TIMEOUT_S)
    answer = asked[group].result()
    return {at.partition: at.offset for at in answer.topic_partitions or [] if at.partition in ends and at.offset >= 0}
