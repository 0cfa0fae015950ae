"""Slots and rows on a real Postgres: right, cheap whatever the table holds, and gone while the database is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from neighbours import Database, Outbox, until
from psycopg import sql

from streams.local.outbox import create_outbox
from streams.local.postgres import CAPTURE, OWNER, SINK, SUPERUSER
from streams.monitor.database import rows, slots
from streams.monitor.letters_dealt_with import ROWS_AT_ONCE, CommittedRows
from streams.monitor.source import Source
from streams.monitor.watch import Watch
from streams.postgres.connection import connect
from streams.postgres.health import FINAL_LIMIT, rows_health, slot_health
from streams.postgres.profiles import load_profile

NAME = "monitored"


@pytest.fixture(scope="module", params=["snake_case", "camel_case"])
def watched(database: Database, request: pytest.FixtureRequest) -> Outbox:
    """An outbox that no other test writes into."""
    profile, name = load_profile(request.param), f"{NAME}_{request.param}"
    create_outbox(database.server, name, profile, publication=name)
    return Outbox(profile, database.server.dsn(OWNER, name), database.server.dsn(SINK, name))


@pytest.fixture
def outbox(watched: Outbox) -> Outbox:
    with watched.connect() as connection:
        connection.execute(sql.SQL("TRUNCATE {}").format(table(watched)))
    return watched


def table(outbox: Outbox) -> sql.Identifier:
    return sql.Identifier(outbox.profile.schema, outbox.profile.table)


def fill(outbox: Outbox, status: str, count: int, age: str = "0 s") -> None:
    """Rows of this status that differ in their ids only."""
    names = (
        "id",
        "tenant_id",
        "service",
        "command_type",
        "request_id",
        "payload",
        "updated_at",
        "status",
        "created_at",
    )
    columns = sql.SQL(",").join(sql.Identifier(outbox.profile.columns[name]) for name in names)
    insert = sql.SQL(
        "INSERT INTO {} ({}) SELECT gen_random_uuid(), 'default', 'test', 'PAUSE_SYSTEM', gen_random_uuid(), '{{}}',"
        " now(), {}, now() - {}::interval FROM generate_series(1, {})"
    )
    with outbox.connect() as connection:
        connection.execute(insert.format(table(outbox), columns, status, age, count))


def test_rows_are_counted_by_every_status_and_the_oldest_that_waits_is_known(outbox: Outbox) -> None:
    statuses = {"PENDING": 3, "LOCKED": 0, "SUBMITTED": 2, "COMMITTED": 5, "FAILED": 1}
    for status, count in statuses.items():
        fill(outbox, status, count, age="1 hour")
    fill(outbox, "PENDING", 1, age="90 s")
    with connect(outbox.sink_dsn) as connection:
        found = rows_health(connection, outbox.profile)
    assert found.by_status == statuses | {"PENDING": 4}
    assert 3600 <= found.oldest_pending_s < 3700


def test_the_committed_among_many_commands_are_found_and_none_while_the_database_is_away(outbox: Outbox) -> None:
    fill(outbox, "COMMITTED", ROWS_AT_ONCE + 2)
    fill(outbox, "FAILED", 2)
    with outbox.connect() as connection:
        ids = [row[0] for row in connection.execute(sql.SQL("SELECT id FROM {}").format(table(outbox))).fetchall()]
    with closing(CommittedRows(outbox.dsn, outbox.profile)) as committed:
        assert len(committed.among(ids)) == ROWS_AT_ONCE + 2
        assert committed.among(["nobody's"]) == set()
    with closing(CommittedRows("postgresql://127.0.0.1:1/nothing", outbox.profile)) as away:
        assert away.among(ids) == ()


def test_no_row_that_waits_has_no_age(outbox: Outbox) -> None:
    fill(outbox, "COMMITTED", 2, age="1 hour")
    with connect(outbox.sink_dsn) as connection:
        assert rows_health(connection, outbox.profile).oldest_pending_s == 0.0


def test_beyond_the_limit_statistics_estimate_and_no_more_than_the_limit_is_read(outbox: Outbox) -> None:
    fill(outbox, "COMMITTED", 20_000)
    fill(outbox, "PENDING", 30)
    with outbox.connect() as connection:
        connection.execute(sql.SQL("ANALYZE {}").format(table(outbox)))
    with connect(outbox.sink_dsn) as connection:
        found = rows_health(connection, outbox.profile, final_limit=100)
        assert found.by_status["COMMITTED"] == pytest.approx(20_000, rel=0.05)
        assert found.by_status["PENDING"] == 30
        assert found.by_status["FAILED"] == 0
        # Statistics may be older than what is there: then the limit is the least that is known.
        assert rows_health(connection, outbox.profile, open_limit=10).by_status["PENDING"] >= 10
        assert rows_health(connection, outbox.profile, final_limit=FINAL_LIMIT * 10).by_status["COMMITTED"] == 20_000


def test_the_questions_use_the_index_also_when_the_planner_would_rather_scan(outbox: Outbox) -> None:
    fill(outbox, "COMMITTED", 5_000)
    scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relid = {}::regclass"
    with outbox.connect() as connection:
        connection.execute(sql.SQL("ANALYZE {}").format(table(outbox)))
        question = sql.SQL(scans).format(table(outbox).as_string(connection))
        (before,) = connection.execute(question).fetchone() or (None,)
        for _ in range(3):
            rows_health(connection, outbox.profile)
        connection.execute("SELECT pg_stat_force_next_flush()")
        (after,) = connection.execute(question).fetchone() or (None,)
    assert after == before


@contextmanager
def slot(database: Database, outbox: Outbox) -> Iterator[str]:
    """A logical slot in the outbox's database that nobody reads."""
    name = outbox.dsn.rpartition("/")[2]
    with psycopg.connect(database.server.dsn(CAPTURE, name), autocommit=True) as connection:
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (name,))
        try:
            yield name
        finally:
            connection.execute("SELECT pg_drop_replication_slot(%s)", (name,))


def test_a_slot_that_nobody_reads_keeps_more_and_more(database: Database, outbox: Outbox) -> None:
    with slot(database, outbox) as name, connect(outbox.sink_dsn) as connection:
        (before,) = slot_health(connection)
        assert (before.slot_name, before.active, before.wal_status) == (name, False, "reserved")
        fill(outbox, "PENDING", 1_000)
        (after,) = slot_health(connection)
    assert before.retained_bytes is not None
    assert after.retained_bytes is not None
    assert after.retained_bytes > before.retained_bytes + 100_000
    assert after.safe_wal_bytes is None or (before.safe_wal_bytes or 0) > after.safe_wal_bytes > 0


def test_a_database_that_is_away_is_said_to_be_and_asked_anew_when_it_is_back(
    database: Database, outbox: Outbox
) -> None:
    fill(outbox, "PENDING", 2)
    name = outbox.dsn.rpartition("/")[2]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with (
        closing(rows(outbox.sink_dsn, outbox.profile)) as asked,
        psycopg.connect(database.server.dsn(SUPERUSER, "postgres"), autocommit=True) as superuser,
    ):
        watch = Watch(Source(name="rows", period_s=1.0, collect=asked.collect))
        watch.ask()
        assert watch.fresh() is not None
        try:
            superuser.execute(allow.format(sql.Identifier(name), False))
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            watch.ask()
            assert watch.fresh() is None
            watch.ask()
            assert "is not currently accepting connections" in (watch.problem() or "")
        finally:
            superuser.execute(allow.format(sql.Identifier(name), True))
        watch.ask()
        until(lambda: watch.fresh() is not None, "an answer", watch.ask)


def test_a_monitor_writes_nothing(outbox: Outbox) -> None:
    with closing(slots(outbox.dsn)) as asked:
        asked.collect()
        truncate = sql.SQL("TRUNCATE {}").format(table(outbox))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            asked._connection.ask(lambda connection: connection.execute(truncate))
