"""Where consumer groups stand, partition by partition: by committed offsets, in messages and in seconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams.kafka.first_records import FirstRecords
from streams.kafka.lag import TIMEOUT_S, Stretch

At: TypeAlias = tuple[str, int]
"""(topic, partition)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLag:
    """One group on one partition. `committed` is None if the group never committed there: it lags by all there is.

    `records` counts from the first record that is still there: what retention removed is not waited for.
    `seconds` is the age of the first record that is not acknowledged; 0 if there is none.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    end_offset: int
    records: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPositions:
    """Every partition of the topics that are there, and the lag of every group on them."""

    stretches: Mapping[At, Stretch]
    lags: list[PartitionLag]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedGroup:
    """A group, and the topics that it reads by its purpose: also before it has committed anything there."""

    name: str
    topics: Collection[str]


class GroupLags:
    """Asks again and again, over connections that are kept. Close it. Not for several threads at once."""

    def __init__(self, bootstrap_servers: str, groups: Iterable[WatchedGroup], topics: Collection[str] | None) -> None:
        """`topics`: those in which commits of the groups are looked for; None: all of the cluster."""
        self._bootstrap_servers = bootstrap_servers
        self._groups = tuple(groups)
        self._topics = topics
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self._members: dict[str, Consumer] = {}
        self._first_records = FirstRecords(bootstrap_servers)

    def close(self) -> None:
        """End the connections."""
        self._first_records.close()
        for member in self._members.values():
            member.close()
        self._members.clear()

    def ask(self, now_s: float) -> GroupPositions:
        """The positions; `now_s` in seconds since the epoch. A topic that is missing is left out.

        Raises confluent_kafka.KafkaException when the brokers do not answer.
        """
        stretches = self._stretches()
        committed = {group.name: self._committed(group.name, stretches) for group in self._groups}
        starts = {
            (group.name, at): _start(stretches[at], committed[group.name].get(at))
            for group in self._groups
            for at in stretches
            if at[0] in group.topics or at[0] in _topics(committed[group.name])
        }
        waiting = {(at, start) for (_, at), start in starts.items() if start < stretches[at].end}
        written_s = self._first_records.written_s(waiting)
        lags = [
            PartitionLag(
                group=group,
                topic=at[0],
                partition=at[1],
                committed=committed[group].get(at),
                end_offset=stretches[at].end,
                records=stretches[at].end - start,
                seconds=max(0.0, now_s - written_s.get((at, start), now_s)),
            )
            for (group, at), start in starts.items()
        ]
        return GroupPositions(stretches=stretches, lags=lags)

    def _stretches(self) -> dict[At, Stretch]:
        topics = self._admin.list_topics(timeout=TIMEOUT_S).topics
        partitions = [
            TopicPartition(name, partition)
            for name, topic in sorted(topics.items())
            if (name in self._topics if self._topics is not None else not name.startswith("__"))
            for partition in sorted(topic.partitions)
        ]
        first, end = self._offsets(partitions, OffsetSpec.earliest()), self._offsets(partitions, OffsetSpec.latest())
        return {at: Stretch(first[at], end[at]) for at in first}

    def _offsets(self, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[At, int]:
        if not partitions:
            return {}
        asked = self._admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=TIMEOUT_S)
        return {(at.topic, at.partition): future.result().offset for at, future in asked.items()}

    def _committed(self, group: str, stretches: Collection[At]) -> dict[At, int]:
        """By a consumer that never joins; why not by the admin client: streams/kafka/lag.py."""
        if not stretches:
            return {}
        if group not in self._members:
            self._members[group] = Consumer(
                {"bootstrap.servers": self._bootstrap_servers, "group.id": group, "log_level": 0}
            )
        wanted = [TopicPartition(topic, partition) for topic, partition in stretches]
        asked = self._members[group].committed(wanted, timeout=TIMEOUT_S)
        for at in asked:
            if at.error is not None:  # without it, the group would seem never to have committed
                raise KafkaException(at.error)
        return {(at.topic, at.partition): at.offset for at in asked if at.offset >= 0}


def _start(stretch: Stretch, committed: int | None) -> int:
    """The first offset that is there and not acknowledged; after a topic was made anew, none."""
    return min(max(stretch.first, committed if committed is not None else stretch.first), stretch.end)


def _topics(committed: Mapping[At, int]) -> frozenset[str]:
    return frozenset(topic for topic, _ in committed)
