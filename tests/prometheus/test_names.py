"""Rules and dashboards name only metrics that somebody exports."""

from __future__ import annotations

import pytest
from boards import expressions
from rule_file import Rule, metrics_of, rules

from streams.monitor.metrics import METRICS
from streams.telemetry.metrics import COUNTERS, GAUGES, HISTOGRAMS, STATUS

WORKERS = {
    *GAUGES,
    *STATUS,
    *(f"{name}_total" for name in COUNTERS),
    *(f"{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "count", "sum")),
}
# Attributes of Debezium's streaming metrics (debezium.io, "Monitoring", Postgres), as connectors/connect-metrics.yaml
# names them, and one of the agent's own (prometheus.github.io/client_java, "JVM").
CONNECT = {
    "debezium_metrics_MilliSecondsSinceLastEvent",
    "debezium_metrics_MilliSecondsBehindSource",
    "debezium_metrics_TotalNumberOfEventsSeen",
    "debezium_metrics_QueueRemainingCapacity",
    "debezium_metrics_QueueTotalCapacity",
    "jvm_memory_used_bytes",
}
PROMETHEUS = {"up", "ALERTS"}
RECORDS = {rule.name for rule in rules() if not rule.is_alert}
KNOWN = {*METRICS, *WORKERS, *CONNECT, *PROMETHEUS, *RECORDS}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.name))
def test_a_rule_reads_metrics_that_exist(rule: Rule) -> None:
    assert metrics_of(rule.expression) <= KNOWN
    assert metrics_of(rule.expression)


@pytest.mark.parametrize("where", expressions())
def test_a_panel_reads_metrics_that_exist(where: str) -> None:
    assert metrics_of(expressions()[where]) <= KNOWN
    assert metrics_of(expressions()[where])


def test_no_word_of_the_language_is_taken_for_a_metric() -> None:
    expression = 'sum by (a, b) (rate(x_total{c="d", e=~"f"}[5m])) > 3 unless on (a) outbox:y or z offset 5m'
    assert metrics_of(expression) == {"x_total", "outbox:y", "z"}
