"""Source `kafka`: consumer groups by committed offsets, and what the partitions hold."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from streams.kafka.group_lag import GroupPositions, PartitionLag
from streams.monitor.metrics import Sample, sample
from streams.monitor.moves import Moves


class Groups:
    """`ask` gives the positions at a time (seconds since the epoch), `members` the number of a group's members."""

    def __init__(
        self,
        cluster: str,
        ask: Callable[[float], GroupPositions],
        members: Mapping[str, Callable[[], int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._ask = ask
        self._members = members
        self._clock = clock
        self._moves = Moves()

    def collect(self) -> Iterator[Sample]:
        """Raises confluent_kafka.KafkaException when the brokers do not answer."""
        found, now = self._ask(time.time()), self._clock()
        for group, count in self._members.items():
            yield sample("outbox_group_members", count(), group=group)
        for (topic, partition), stretch in found.stretches.items():
            at = {"cluster_name": self._cluster, "topic": topic, "partition": partition}
            yield sample("kafka_partition_earliest_offset", stretch.first, **at)
            yield sample("kafka_partition_latest_offset", stretch.end, **at)
        for lag in found.lags:
            yield from self._partition(lag, now)
        yield from self._groups(found.lags)
        self._moves.keep([(lag.group, lag.topic, lag.partition) for lag in found.lags])

    def _partition(self, lag: PartitionLag, now: float) -> Iterator[Sample]:
        at = {"group": lag.group, "topic": lag.topic, "partition": lag.partition}
        if lag.committed is not None:
            yield sample("kafka_consumergroup_group_offset", lag.committed, cluster_name=self._cluster, **at)
        yield sample("kafka_consumergroup_group_lag", lag.records, cluster_name=self._cluster, **at)
        yield sample("kafka_consumergroup_group_lag_seconds", lag.seconds, cluster_name=self._cluster, **at)
        move = self._moves.see((lag.group, lag.topic, lag.partition), lag.committed, lag.records, now)
        yield sample("outbox_group_stalled_seconds", move.stalled_s, **at)
        yield sample("outbox_group_rewinds_total", move.rewinds, **at)

    def _groups(self, lags: Iterable[PartitionLag]) -> Iterator[Sample]:
        by_group: dict[str, list[PartitionLag]] = defaultdict(list)
        for lag in lags:
            by_group[lag.group].append(lag)
        for group, members in by_group.items():
            of = {"cluster_name": self._cluster, "group": group}
            yield sample("kafka_consumergroup_group_max_lag", max(lag.records for lag in members), **of)
            yield sample("kafka_consumergroup_group_max_lag_seconds", max(lag.seconds for lag in members), **of)
            yield sample("kafka_consumergroup_group_sum_lag", sum(lag.records for lag in members), **of)
