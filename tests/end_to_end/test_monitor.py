"""The monitor of a running line: everything told, a dead reader seen, what is away said to be away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import KafkaException
from monitored import Monitor
from running_line import RunningLine

from streams.cli.where import STACK_ENV
from streams.demo import payloads

SOURCES = ("kafka", "postgres", "rows", "connect", "dead-letters", "wallet")
LATE_S = 2.0


@pytest.fixture
def monitor(line: RunningLine) -> Monitor:
    """Its address as `.local/stack.env` gives it; every source has answered."""
    told = (line.folder / ".local" / STACK_ENV).read_text()
    monitor = Monitor(told.partition("STREAMS_MONITOR__URL='")[2].partition("'")[0])
    line.until(lambda: all(monitor.is_up(source) for source in SOURCES), "every source")
    return monitor


def test_the_monitor_tells_of_rows_lag_slot_connector_certificates_and_letters(
    line: RunningLine, monitor: Monitor
) -> None:
    committed = monitor.value("outbox_rows", status="COMMITTED") or 0.0
    line.carry("CREATE_USER", payloads.create_user("MY CBD ABG872 0QWER 9901"))
    line.until(lambda: (monitor.value("outbox_rows", status="COMMITTED") or 0.0) > committed, "the row")
    line.settle()
    line.until(lambda: not any(monitor.values("kafka_consumergroup_group_sum_lag")), "no lag")
    assert monitor.ask("/ready") == (200, "yes\n")
    assert monitor.ask("/live") == (200, "yes\n")
    assert len(monitor.values("kafka_consumergroup_group_max_lag_seconds")) == 2 + len(line.line.routes.identities)
    assert min(monitor.values("outbox_group_members")) >= 1
    assert monitor.value("outbox_queue_depth") == monitor.value("outbox_rows", status="PENDING") == 0.0
    assert monitor.value("outbox_oldest_pending_age_seconds") == 0.0
    assert monitor.value("pg_slot_active") == 1.0
    assert monitor.value("pg_slot_wal_status", wal_status="reserved") == 1.0
    assert monitor.value("outbox_connector_state", state="RUNNING") == 1.0
    assert monitor.value("outbox_connector_task_state", task="0", state="RUNNING") == 1.0
    for identity in line.line.routes.identities:
        expires_at = monitor.value("outbox_identity_cert_expiry_timestamp_seconds", identity=identity)
        assert expires_at is not None
        assert expires_at > time.time()
    assert len(monitor.values("outbox_dlq_messages")) == 7


def test_debezium_tells_of_itself(line: RunningLine) -> None:
    jmx = Monitor(f"http://{line.line.stack.connect.metrics_address}")
    line.until(lambda: jmx.value("debezium_metrics_Connected") == 1.0, "a connector that streams")
    streaming = {"context": "streaming", "name": "gx", "plugin": "postgres"}
    for name in ("MilliSecondsSinceLastEvent", "MilliSecondsBehindSource", "QueueRemainingCapacity"):
        assert jmx.value(f"debezium_metrics_{name}", **streaming) is not None


def test_a_reader_that_is_dead_is_still_seen(line: RunningLine, monitor: Monitor) -> None:
    sink = {"group": "write-back", "topic": "results"}
    rewinds = monitor.values("outbox_group_rewinds_total", **sink)
    os.kill(line.line.stack.supervisor.pid("sink"), signal.SIGKILL)
    # Not started again for now: nobody looks after the line meanwhile.
    (command_id,) = line.insert("CREATE_USER", payloads.create_user("MY CBD ABG872 0QWER 9902"))
    due_at = time.monotonic() + 60

    def late(name: str) -> bool:
        return max(monitor.values(name, **sink)) >= LATE_S

    while not (
        late("kafka_consumergroup_group_lag_seconds")
        and late("outbox_group_stalled_seconds")
        and (monitor.value("outbox_oldest_pending_age_seconds") or 0) >= LATE_S
    ):
        assert time.monotonic() < due_at
        time.sleep(0.2)
    assert (monitor.value("kafka_consumergroup_group_sum_lag", group="write-back") or 0) >= 1
    line.final([command_id])
    line.until(lambda: not any(monitor.values("outbox_group_stalled_seconds", **sink)), "nothing stalled")
    assert monitor.value("kafka_consumergroup_group_max_lag_seconds", group="write-back") == 0.0
    assert monitor.values("outbox_group_rewinds_total", **sink) == rewinds


@contextmanager
def frozen(line: RunningLine, *names: str) -> Iterator[None]:
    """These processes stand still."""
    pids = [line.line.stack.supervisor.pid(name) for name in names]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_what_is_away_is_said_to_be_and_shown_again_when_it_is_back(line: RunningLine, monitor: Monitor) -> None:
    due_at = time.monotonic() + 60
    with frozen(line, "kafka", "connect"):
        while monitor.is_up("kafka") or monitor.is_up("connect"):
            assert time.monotonic() < due_at
            time.sleep(0.2)
        status, said = monitor.ask("/ready")
        assert status == 200
        assert {"kafka", "connect"} <= {text.partition(":")[0] for text in said.splitlines()}
        assert monitor.values("kafka_consumergroup_group_lag") == monitor.values("outbox_connector_state") == []
        assert monitor.is_up("postgres")
        assert monitor.is_up("rows")
        assert monitor.value("pg_slot_active") is not None
        assert monitor.ask("/live") == (200, "yes\n")
    line.until(lambda: monitor.is_up("kafka") and monitor.is_up("connect"), "both again")
    assert monitor.values("kafka_consumergroup_group_lag")
    assert monitor.value("outbox_connector_state", state="RUNNING") == 1.0
    line.until(lambda: settles(line), "a broker that has its leaders again")


def settles(line: RunningLine) -> bool:
    """A broker that stood still for long is given its partitions anew, and refuses questions until it has them."""
    try:
        line.settle()
    except KafkaException:
        return False
    return True


def test_streams_lag_shows_each_partition_of_every_group(line: RunningLine) -> None:
    found = line.json("lag")
    groups = {lag["group"] for lag in found}
    assert groups == {"route", "write-back", *(f"submit.{identity}" for identity in line.line.routes.identities)}
    assert sum(lag["group"] == "write-back" for lag in found) == 6
    assert all(lag["records"] == 0 and lag["seconds"] == 0.0 for lag in found)
    table = line.streams("lag").stdout.splitlines()
    assert table[0].split() == ["group", "topic", "partition", "committed", "end", "lag", "seconds"]
    assert len(table) == 1 + len(found)
