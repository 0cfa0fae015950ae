"""The sink as a process, on a real Kafka and Postgres: what dies, ends, or is locked, loses nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from neighbours import Broker, Database, Outbox, until
from psycopg import sql
from sink_line import Line, refusing, running_sink

from streams.messages import OutcomeKind
from streams.postgres.rows import statement
from streams.telemetry import Event

COMMITTED, SUBMITTED, FAILED = OutcomeKind.COMMITTED, OutcomeKind.SUBMITTED, OutcomeKind.FAILED


@pytest.fixture(scope="module")
def line(
    broker: Broker, database: Database, outboxes: dict[str, Outbox], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    with running_sink(broker, database, outboxes["snake_case"], tmp_path_factory.mktemp("sink")) as line:
        yield line


def test_a_database_that_only_reads_is_waited_for(line: Line) -> None:
    line.wait_until_settled()
    command_id = line.outbox.insert()
    with refusing(line, command_id, "25006"):
        line.tell(command_id, COMMITTED)
        until(lambda: line.said(Event.POSTGRES_UNAVAILABLE) != [], "a sink that waits for the database", line.look)
        assert "refused by a test" in line.said(Event.POSTGRES_UNAVAILABLE)[-1]["cause"]
        assert line.lag == 1
    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()
    assert [letter for letter in line.letters() if letter.command_id == command_id] == []


@contextmanager
def held(line: Line, *command_ids: str) -> Iterator[None]:
    """Somebody holds locks on the rows."""
    with psycopg.connect(line.outbox.dsn) as holding:
        lock = sql.SQL("{} FOR UPDATE").format(statement("select", line.outbox.profile))
        holding.execute(lock, {"command_ids": list(command_ids)})
        yield


def test_a_row_that_somebody_holds_does_not_hold_up_the_others(line: Line) -> None:
    line.wait_until_settled()
    first, locked, last = line.outbox.insert_many(3)
    complaints = len(line.said(Event.POSTGRES_UNAVAILABLE))
    with held(line, locked):
        for command_id, kind in ((first, COMMITTED), (locked, SUBMITTED), (locked, COMMITTED), (last, COMMITTED)):
            line.tell(command_id, kind, key=b"one partition")
        line.wait_for([first, last], "COMMITTED")
        until(lambda: line.lag == 3, "the offsets up to the locked row acknowledged", line.look)
        assert line.outbox.row(locked).status == "PENDING"
    line.wait_for([locked], "COMMITTED")
    line.wait_until_settled()
    assert len(line.said(Event.POSTGRES_UNAVAILABLE)) == complaints


def test_offsets_do_not_pass_a_row_that_somebody_holds_whoever_dies(line: Line) -> None:
    line.wait_until_settled()
    locked, other = line.outbox.insert_many(2)
    with held(line, locked):
        for number in (signal.SIGKILL, signal.SIGTERM):
            line.tell(locked, COMMITTED, key=b"one partition")
            line.tell(other, COMMITTED, key=b"one partition")
            line.wait_for([other], "COMMITTED")
            line.restart_after(number)
        assert line.lag == 4
        again = line.outbox.insert()
        line.tell(again, COMMITTED, key=b"one partition")
        line.wait_for([again], "COMMITTED")
        assert line.lag == 5
    line.wait_for([locked], "COMMITTED")
    line.wait_until_settled()


def end_postgres(line: Line, number: signal.Signals, while_away: Callable[[], None]) -> None:
    """Postgres ends, and comes back when somebody looks: after `while_away`."""
    supervisor = line.database.supervisor
    before = supervisor.pid("postgres")
    os.kill(before, number)
    while_away()
    until(lambda: supervisor.pid("postgres") != before, "a new Postgres", supervisor.look)
    supervisor.wait_healthy("postgres")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["fast shutdown", "SIGKILL"])
def test_a_restart_of_postgres_loses_nothing(line: Line, number: signal.Signals) -> None:
    before, during, after = (line.outbox.insert_many(30) for _ in range(3))
    for command_id in before:
        line.tell(command_id, COMMITTED)

    def while_away() -> None:
        for command_id in during:
            line.tell(command_id, SUBMITTED, COMMITTED)

    end_postgres(line, number, while_away)
    for command_id in after:
        line.tell(command_id, FAILED)

    line.wait_for(before + during, "COMMITTED")
    line.wait_for(after, "FAILED")
    line.wait_until_settled()


def test_while_postgres_is_away_nothing_is_acknowledged_and_the_sink_stays_up(line: Line) -> None:
    line.wait_until_settled()
    pid, complaints = line.supervisor.pid("sink"), len(line.said(Event.POSTGRES_UNAVAILABLE))
    command_id = line.outbox.insert()

    def while_away() -> None:
        line.tell(command_id, COMMITTED)
        until(lambda: len(line.said(Event.POSTGRES_UNAVAILABLE)) > complaints, "a complaint in the log")
        assert line.lag == 1

    end_postgres(line, signal.SIGKILL, while_away)
    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()
    assert line.supervisor.pid("sink") == pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_restart_of_the_sink_loses_nothing(line: Line, number: signal.Signals) -> None:
    command_ids = line.outbox.insert_many(90)
    for position, command_id in enumerate(command_ids):
        if position == 30:
            line.restart_after(number)
        line.tell(command_id, SUBMITTED, COMMITTED)
    line.wait_for(command_ids, "COMMITTED")
    line.wait_until_settled()
