"""Every metric of our processes, from the closed sets, as a page."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from docs.markdown import NOTICE, code, table
from streams.monitor.metrics import METRICS
from streams.telemetry.metrics import GAUGES, Metrics

_INTRODUCTION = f"""{NOTICE}
# Metrics

Each process answers `/metrics` at the address that it is told to listen at (`STREAMS_WORKER__LISTEN`,
`STREAMS_MONITOR__LISTEN`). Durations are in seconds, sizes in bytes, times in seconds since the epoch. No label holds
the id of a command.

## The monitor

`streams monitor` asks its sources (Kafka, Postgres, Connect, the wallet) in the background and shows what they answered
last. A source that is away is told by `outbox_monitor_source_up` and in the answer of `/ready`; its metrics are absent
for as long as it is, never old. So whoever alerts on them alerts on `outbox_monitor_source_up` as well. Those named
`kafka_` have the names and labels of kafka-lag-exporter. A group's lag goes by the offsets that it has committed: it is
seen although every member is dead. A group that never committed on a partition lags there by all that the partition
holds, and has no `kafka_consumergroup_group_offset`. What retention has removed counts nowhere.

"""

_WORKERS = """
## The workers

`route`, `submit` and the sink. `identity` is empty where a process has none.

"""

_CONNECT = """
## Connect

The Prometheus JMX agent in Connect's JVM (`connectors/connect-metrics.yaml`) shows what Debezium measures of itself, as
`debezium_metrics_<attribute>{plugin,name,context}` with `context` `streaming` or `snapshot`, and the JVM's memory,
threads and collections as `jvm_*`. The attributes are described in Debezium's manual, "Monitoring" of the PostgreSQL
connector; the ones to watch:

"""

_DEBEZIUM = (
    ("debezium_metrics_Connected", "1: connected to the database"),
    ("debezium_metrics_MilliSecondsSinceLastEvent", "Since the last event, a heartbeat included; -1: none yet"),
    ("debezium_metrics_MilliSecondsBehindSource", "Between the last event's commit and its capture; -1: none yet"),
    ("debezium_metrics_QueueRemainingCapacity", "Room in the queue between Debezium and Connect, events"),
    ("debezium_metrics_QueueTotalCapacity", "Size of that queue, events"),
    ("debezium_metrics_CurrentQueueSizeInBytes", "What the queue holds, bytes"),
    ("debezium_metrics_MaxQueueSizeInBytes", "What the queue may hold, bytes"),
    ("debezium_metrics_TotalNumberOfEventsSeen", "Events since the connector started"),
    ("debezium_metrics_NumberOfErroneousEvents", "Events that could not be processed since the connector started"),
    ("debezium_metrics_SnapshotRunning", "1: a snapshot is being taken"),
)

_HEADER = ("metric", "kind", "labels", "what it says")


def page() -> str:
    """`metrics.md`."""
    monitor = [_row(name, metric.kind, metric.labels, metric.what) for name, metric in METRICS.items()]
    debezium = [(code(name), what) for name, what in _DEBEZIUM]
    return "".join(
        [
            _INTRODUCTION,
            table(_HEADER, monitor),
            _WORKERS,
            table(_HEADER, list(_workers())),
            _CONNECT,
            table(("metric", "what it says"), debezium),
        ]
    )


def _workers() -> Iterator[tuple[str, ...]]:
    """As the registry of a worker shows them; a registry tells no labels, so that the metrics themselves are asked."""
    registry = CollectorRegistry()
    metrics = Metrics("identity", registry)
    for name in GAUGES:
        metrics.watch(name, lambda: 0.0)
    shown: list[MetricWrapperBase] = list(dict.fromkeys(registry._names_to_collectors.values()))  # type: ignore[arg-type]
    for metric in shown:
        (family,) = metric.describe()
        name = family.name + ("_total" if family.type == "counter" else "")
        yield _row(name, family.type, metric._labelnames, family.documentation)


def _row(name: str, kind: str, labels: tuple[str, ...], what: str) -> tuple[str, ...]:
    return code(name), kind, ", ".join(code(label) for label in labels), what
