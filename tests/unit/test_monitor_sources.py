"""What each source makes of what its neighbour says."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fabric_credentials as credentials
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from streams.errors import CredentialsInvalid
from streams.kafka.connect_api import ConnectApi
from streams.kafka.group_lag import GroupPositions, PartitionLag
from streams.kafka.lag import Stretch
from streams.monitor.certificates import Certificates
from streams.monitor.connector import ConnectorStates
from streams.monitor.database import row_samples, slot_samples
from streams.monitor.groups import Groups
from streams.monitor.metrics import Sample
from streams.postgres.health import RowsHealth, SlotHealth

TOPIC = "commands.org1-admin"


def values(samples: Iterator[Sample] | Sequence[Sample], *, without: str = "nothing") -> dict[str, float]:
    return {"/".join([each.name, *each.labels]): each.value for each in samples if without not in each.name}


def lag(partition: int, committed: int | None, records: int, seconds: float, group: str = "g") -> PartitionLag:
    return PartitionLag(
        group=group,
        topic=TOPIC,
        partition=partition,
        committed=committed,
        end_offset=9,
        records=records,
        seconds=seconds,
    )


def test_groups_show_each_partition_and_the_worst_and_the_sum_of_all() -> None:
    found = [
        GroupPositions(
            stretches={(TOPIC, 0): Stretch(2, 9)},
            lags=[lag(0, 4, 5, 60.0), lag(1, None, 9, 7.5), lag(0, 9, 0, 0.0, "h")],
        )
    ]
    groups = Groups("gx", lambda _: found[0], {"g": lambda: 2, "h": lambda: 0}, clock=iter([100.0, 130.0]).__next__)
    shown = values(groups.collect())
    assert shown == {
        "outbox_group_members/g": 2,
        "outbox_group_members/h": 0,
        f"kafka_partition_earliest_offset/gx/{TOPIC}/0": 2,
        f"kafka_partition_latest_offset/gx/{TOPIC}/0": 9,
        f"kafka_consumergroup_group_offset/gx/g/{TOPIC}/0": 4,
        f"kafka_consumergroup_group_lag/gx/g/{TOPIC}/0": 5,
        f"kafka_consumergroup_group_lag_seconds/gx/g/{TOPIC}/0": 60,
        f"outbox_group_stalled_seconds/g/{TOPIC}/0": 0,
        f"outbox_group_rewinds_total/g/{TOPIC}/0": 0,
        f"kafka_consumergroup_group_lag/gx/g/{TOPIC}/1": 9,
        f"kafka_consumergroup_group_lag_seconds/gx/g/{TOPIC}/1": 7.5,
        f"outbox_group_stalled_seconds/g/{TOPIC}/1": 0,
        f"outbox_group_rewinds_total/g/{TOPIC}/1": 0,
        f"kafka_consumergroup_group_offset/gx/h/{TOPIC}/0": 9,
        f"kafka_consumergroup_group_lag/gx/h/{TOPIC}/0": 0,
        f"kafka_consumergroup_group_lag_seconds/gx/h/{TOPIC}/0": 0,
        f"outbox_group_stalled_seconds/h/{TOPIC}/0": 0,
        f"outbox_group_rewinds_total/h/{TOPIC}/0": 0,
        "kafka_consumergroup_group_max_lag/gx/g": 9,
        "kafka_consumergroup_group_max_lag_seconds/gx/g": 60,
        "kafka_consumergroup_group_sum_lag/gx/g": 14,
        "kafka_consumergroup_group_max_lag/gx/h": 0,
        "kafka_consumergroup_group_max_lag_seconds/gx/h": 0,
        "kafka_consumergroup_group_sum_lag/gx/h": 0,
    }
    found[0] = GroupPositions(stretches={}, lags=[lag(0, 3, 6, 90.0), lag(1, None, 9, 37.5)])
    again = values(groups.collect())
    assert again[f"outbox_group_rewinds_total/g/{TOPIC}/0"] == 1
    assert again[f"outbox_group_stalled_seconds/g/{TOPIC}/1"] == 30


def test_a_slot_shows_its_state_among_all_and_no_figure_that_postgres_does_not_know() -> None:
    slot = SlotHealth(slot_name="s", active=False, wal_status="lost", retained_bytes=None, safe_wal_bytes=None)
    assert values(slot_samples([slot])) == {
        "pg_slot_active/s": 0,
        "pg_slot_wal_status/s/reserved": 0,
        "pg_slot_wal_status/s/extended": 0,
        "pg_slot_wal_status/s/unreserved": 0,
        "pg_slot_wal_status/s/lost": 1,
    }
    slot = SlotHealth(slot_name="s", active=True, wal_status="reserved", retained_bytes=800, safe_wal_bytes=5000)
    shown = values(slot_samples([slot]), without="wal_status")
    assert shown == {"pg_slot_active/s": 1, "pg_slot_retained_bytes/s": 800, "pg_slot_safe_wal_bytes/s": 5000}


def test_rows_show_every_status_and_the_queue_under_its_old_name() -> None:
    found = RowsHealth(by_status={"PENDING": 3, "COMMITTED": 0}, oldest_pending_s=12.5)
    assert values(row_samples(found)) == {
        "outbox_rows/PENDING": 3,
        "outbox_rows/COMMITTED": 0,
        "outbox_queue_depth": 3,
        "outbox_oldest_pending_age_seconds": 12.5,
    }


@contextmanager
def answering(status: int, document: Any) -> Iterator[ConnectApi]:
    """A Connect that answers so to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ConnectApi(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def test_a_connector_and_its_tasks_show_the_state_that_they_are_in() -> None:
    tasks = [{"id": 0, "state": "FAILED", "trace": "cause"}, {"id": 1, "state": "RUNNING"}]
    with answering(200, {"connector": {"state": "RUNNING"}, "tasks": tasks}) as api:
        shown = values(list(ConnectorStates(api, "outbox").collect()))
    assert {name for name, value in shown.items() if value} == {
        "outbox_connector_state/outbox/RUNNING",
        "outbox_connector_task_state/outbox/0/FAILED",
        "outbox_connector_task_state/outbox/1/RUNNING",
    }
    assert len(shown) == 7 + 2 * 6


def test_a_connector_that_connect_does_not_know_is_missing() -> None:
    with answering(404, {"message": "no status found"}) as api:
        shown = values(list(ConnectorStates(api, "outbox").collect()))
    assert [name for name, value in shown.items() if value] == ["outbox_connector_state/outbox/MISSING"]


def test_a_connect_that_cannot_tell_is_away_and_no_connector_missing() -> None:
    with (
        answering(500, {"message": "request timed out"}) as api,
        pytest.raises(OSError, match=r"cannot tell .*\(500\)"),
    ):
        list(ConnectorStates(api, "outbox").collect())


def test_certificates_show_their_end_and_keys_stay_closed(tmp_path: Path) -> None:
    for name, days in (("org1-admin", 30), ("org1-partner-api", 3), ("tlsca", 99)):
        pem = credentials.certificate(ec.generate_private_key(ec.SECP256R1()), days=days)
        (tmp_path / f"{name}-cert").write_bytes(pem)
    (tmp_path / "org1-admin-cert.in-use").write_text("not looked at")
    (tmp_path / "org1-admin-key").mkdir()  # reading it would be an error
    now_s, day_s = credentials.NOW.timestamp(), 86_400
    name = "outbox_identity_cert_expiry_timestamp_seconds"
    assert values(Certificates(tmp_path).collect()) == {
        f"{name}/org1-admin": now_s + 30 * day_s,
        f"{name}/org1-partner-api": now_s + 3 * day_s,
    }


def test_a_wallet_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsInvalid, match=r"nowhere: cannot be read \(No such file or directory\)"):
        list(Certificates(tmp_path / "nowhere").collect())
    (tmp_path / "org1-admin-cert").write_text("no certificate")
    with pytest.raises(CredentialsInvalid, match="org1-admin-cert: not a PEM certificate"):
        list(Certificates(tmp_path).collect())
