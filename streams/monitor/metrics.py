"""The closed set of metrics of the monitor. No label holds an id of a command, a text or anything else unbounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Of a metric, as Prometheus names them."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Metric:
    """What it says, its labels in order, and how it moves."""

    what: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric of METRICS; `labels` are the values, in the order of the metric's names."""

    name: str
    labels: tuple[str, ...]
    value: float


def sample(name: str, value: float, **labels: object) -> Sample:
    """A sample of a metric of the closed set. Raises KeyError for any other name or label."""
    metric = METRICS[name]
    if labels.keys() != set(metric.labels):
        raise KeyError(f"{name} has the labels {metric.labels}, not {tuple(labels)}")
    return Sample(name, tuple(str(labels[label]) for label in metric.labels), float(value))


_PARTITION = ("cluster_name", "group", "topic", "partition")
_GROUP = ("cluster_name", "group")
_OWN_PARTITION = ("group", "topic", "partition")
_TOPIC = ("cluster_name", "topic", "partition")

METRICS: Mapping[str, Metric] = {
    "kafka_consumergroup_group_offset": Metric("Offset that the group has committed", _PARTITION),
    "kafka_consumergroup_group_lag": Metric("Records in the partition that the group has not acknowledged", _PARTITION),
    "kafka_consumergroup_group_lag_seconds": Metric(
        "Age of the first record that the group has not acknowledged, seconds; 0: there is none", _PARTITION
    ),
    "kafka_consumergroup_group_max_lag": Metric("Largest lag of the group on a partition, records", _GROUP),
    "kafka_consumergroup_group_max_lag_seconds": Metric("Largest lag of the group on a partition, seconds", _GROUP),
    "kafka_consumergroup_group_sum_lag": Metric("Lag of the group on all of its partitions, records", _GROUP),
    "kafka_partition_latest_offset": Metric("Offset that the next record of the partition will get", _TOPIC),
    "kafka_partition_earliest_offset": Metric("Offset of the first record that is still there", _TOPIC),
    "outbox_group_members": Metric("Members of the consumer group; 0: nobody reads", ("group",)),
    "outbox_group_stalled_seconds": Metric(
        "For how long the committed offset has not moved although there is lag, seconds", _OWN_PARTITION
    ),
    "outbox_group_rewinds_total": Metric(
        "How often the committed offset was found to have gone back", _OWN_PARTITION, Kind.COUNTER
    ),
    "pg_slot_retained_bytes": Metric("Write-ahead log that the slot keeps on disk, bytes", ("slot",)),
    "pg_slot_safe_wal_bytes": Metric(
        "Write-ahead log that can still be written before the slot may be lost, bytes; absent without"
        " max_slot_wal_keep_size, and when it is lost",
        ("slot",),
    ),
    "pg_slot_active": Metric("1: somebody reads the slot", ("slot",)),
    "pg_slot_wal_status": Metric("1 for the state that the slot's log is in, 0 for the others", ("slot", "wal_status")),
    "outbox_connector_state": Metric(
        "1 for the state that the connector is in, 0 for the others; MISSING: Connect does not know it",
        ("connector", "state"),
    ),
    "outbox_connector_task_state": Metric(
        "1 for the state that the task is in, 0 for the others", ("connector", "task", "state")
    ),
    "outbox_rows": Metric(
        "Rows of the outbox with this status; PENDING, LOCKED and SUBMITTED exact up to a million, COMMITTED and FAILED"
        " up to ten thousand, above that as the statistics of Postgres estimate them",
        ("status",),
    ),
    "outbox_oldest_pending_age_seconds": Metric("Age of the oldest row that is PENDING, seconds; 0: there is none"),
    "outbox_queue_depth": Metric("Rows that are PENDING: the metric of the worker before this line"),
    "outbox_identity_cert_expiry_timestamp_seconds": Metric(
        "When the certificate of the identity in the wallet expires, seconds since the epoch", ("identity",)
    ),
    "outbox_dlq_messages": Metric(
        "Dead letters that nobody has dealt with; kind `unreadable`: records that are no dead letter of this version",
        ("kind",),
    ),
    "outbox_dlq_oldest_age_seconds": Metric(
        "Age of the oldest dead letter that nobody has dealt with, seconds; 0: there is none", ("kind",)
    ),
    "outbox_monitor_source_up": Metric("1: the source was asked and has answered; its metrics are fresh", ("source",)),
    "outbox_monitor_last_success_timestamp_seconds": Metric(
        "When the source has answered last, seconds since the epoch", ("source",)
    ),
}
