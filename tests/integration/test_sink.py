"""The sink as a process, on a real Kafka and Postgres."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from neighbours import Broker, Database, Outbox, supervised, until
from psycopg import sql

from streams.endings import UNREADABLE
from streams.kafka import codecs
from streams.kafka.groups import WRITE_BACK
from streams.kafka.lag import lags
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS
from streams.local.postgres import SINK, SUPERUSER
from streams.local.supervisor import Supervisor
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind
from streams.postgres.rows import Row, statement
from streams.telemetry import Event
from streams.workers.sink_letters import UNSTORABLE

BEGAN_AT = datetime.now(UTC)


@dataclass
class Line:
    """The sink between its two neighbours."""

    broker: Broker
    database: Database
    outbox: Outbox
    supervisor: Supervisor
    log: Path

    def tell(self, command_id: str, *kinds: OutcomeKind) -> None:
        """Outcomes of one command, in this order."""
        values = [codecs.OUTCOMES.encode(outcome(command_id, kind)) for kind in kinds]
        self.broker.produce(RESULTS, *values, key=command_id.encode())

    @property
    def lag(self) -> int:
        return lags(self.broker.bootstrap_servers, {WRITE_BACK: RESULTS})[0].records

    def wait_for(self, command_ids: list[str], status: str) -> list[Row]:
        def arrived() -> bool:
            rows = self.outbox.rows(*command_ids)
            return all(rows[i].status == status for i in command_ids)

        until(arrived, f"{status} in {len(command_ids)} rows", self.look)
        rows = self.outbox.rows(*command_ids)
        return [rows[i] for i in command_ids]

    def look(self) -> None:
        self.supervisor.look()
        self.database.supervisor.look()

    def wait_until_settled(self) -> None:
        until(lambda: self.lag == 0, "every outcome acknowledged", self.look)

    def letters(self) -> list[DeadLetter]:
        messages = read_since(self.broker.bootstrap_servers, DEAD_LETTERS, BEGAN_AT)
        return [codecs.DEAD_LETTERS.decode(message.value()) for message in messages]

    def restart_after(self, number: signal.Signals) -> None:
        """End the sink; it is started again."""
        before = self.supervisor.pid("sink")
        os.kill(before, number)
        until(lambda: self.supervisor.pid("sink") != before, "a new sink", self.look)
        self.supervisor.wait_healthy("sink")


def outcome(command_id: str, kind: OutcomeKind) -> Outcome:
    return Outcome(
        command_id=command_id,
        command_type="TRANSFER_TOKENS",
        kind=kind,
        transaction_id=f"transaction of {command_id}",
        block_number=7 if kind is OutcomeKind.COMMITTED else None,
        error_code="CHAINCODE_REFUSED" if kind is OutcomeKind.FAILED else None,
        error="insufficient funds" if kind is OutcomeKind.FAILED else None,
        attempts=1,
        worker="test",
        happened_at=datetime.now(UTC),
    )


@pytest.fixture(scope="module")
def line(
    broker: Broker, database: Database, outboxes: dict[str, Outbox], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    outbox = outboxes["snake_case"]
    settings = {"STREAMS_POSTGRES__DSN": outbox.sink_dsn, "STREAMS_POSTGRES__PROFILE": "snake_case"}
    with supervised(tmp_path_factory.mktemp("sink")) as (paths, supervisor):
        supervisor.start(broker.worker("sink", WRITE_BACK, "sink", settings=settings))
        yield Line(broker, database, outbox, supervisor, paths.logs / "sink.log")


def test_the_last_word_stands_whatever_the_order_and_however_often_it_comes(line: Line) -> None:
    shuffled = random.Random(5)
    final = {i: shuffled.choice([OutcomeKind.COMMITTED, OutcomeKind.FAILED]) for i in line.outbox.insert_many(60)}
    for command_id, kind in final.items():
        story = [OutcomeKind.SUBMITTED, OutcomeKind.SUBMITTED, kind, kind]
        shuffled.shuffle(story)
        line.tell(command_id, *story)
    line.wait_until_settled()

    rows = line.outbox.rows(*final)
    assert {i: rows[i].status for i in final} == {i: kind.value.upper() for i, kind in final.items()}
    for command_id, kind in final.items():
        row = rows[command_id]
        assert row.error_code == ("CHAINCODE_REFUSED" if kind is OutcomeKind.FAILED else None)
        assert row.transaction_id == f"transaction of {command_id}"


@pytest.mark.parametrize(
    "value",
    [b"not Avro", b"", None, codecs.OUTCOMES.encode(outcome("", OutcomeKind.FAILED))[:-3]],
    ids=["not Avro", "empty", "no value", "cut off"],
)
def test_an_unreadable_record_becomes_a_dead_letter_and_the_line_goes_on(line: Line, value: bytes | None) -> None:
    command_id = line.outbox.insert()
    (record,) = line.broker.produce(RESULTS, value, key=b"\xff key")
    line.tell(command_id, OutcomeKind.COMMITTED)

    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()
    origin = Origin(topic=RESULTS, partition=record.partition() or 0, offset=record.offset() or 0)
    (letter,) = [letter for letter in line.letters() if letter.origin == origin]
    assert (letter.error_code, letter.key, letter.value) == (UNREADABLE, b"\xff key", value)
    assert "outcome" in letter.cause


def test_an_outcome_that_the_database_refuses_becomes_a_dead_letter(line: Line) -> None:
    before, strange, after = line.outbox.insert_many(3)
    line.tell(before, OutcomeKind.COMMITTED)
    value = codecs.OUTCOMES.encode(replace(outcome(strange, OutcomeKind.COMMITTED), transaction_id="\0"))
    (record,) = line.broker.produce(RESULTS, value, key=strange.encode())
    line.tell(after, OutcomeKind.COMMITTED)

    line.wait_for([before, after], "COMMITTED")
    line.wait_until_settled()
    (letter,) = [letter for letter in line.letters() if letter.command_id == strange]
    assert (letter.kind, letter.error_code, letter.value) == (DeadLetterKind.BUG, UNSTORABLE, value)
    assert (letter.origin.partition, letter.origin.offset) == (record.partition(), record.offset())
    assert line.outbox.row(strange).status == "PENDING"


@contextmanager
def refusing(line: Line, command_id: str, state: str) -> Iterator[None]:
    """Updates of the row end with this SQLSTATE."""
    outbox, text = line.outbox, Path(__file__).with_name("refusing_trigger.sql").read_text()
    table = sql.Identifier(outbox.profile.schema, outbox.profile.table)
    column = sql.Identifier(outbox.profile.columns["id"])
    made: Any = sql.SQL(cast(Any, text)).format(
        command_id=sql.Literal(command_id), state=sql.Literal(state), table=table, id=column
    )
    with outbox.connect() as connection:
        connection.execute(made)
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION refuse CASCADE")


def test_a_row_that_a_trigger_refuses_becomes_a_dead_letter_and_the_others_are_written(line: Line) -> None:
    before, strange, after = line.outbox.insert_many(3)
    with refusing(line, strange, "P0001"):
        for command_id in (before, strange, after):
            line.tell(command_id, OutcomeKind.COMMITTED)
        line.wait_for([before, after], "COMMITTED")
        line.wait_until_settled()
    (letter,) = [letter for letter in line.letters() if letter.command_id == strange]
    assert letter.error_code == UNSTORABLE


def test_a_database_that_only_reads_is_waited_for(line: Line) -> None:
    line.wait_until_settled()
    command_id = line.outbox.insert()
    with refusing(line, command_id, "25006"):
        line.tell(command_id, OutcomeKind.COMMITTED)
        until(lambda: waits(line), "a sink that waits for the database")
        assert line.lag == 1
    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()
    assert [letter for letter in line.letters() if letter.command_id == command_id] == []


def waits(line: Line) -> bool:
    """The sink has said why it waits, with the words of the trigger."""
    said = (json.loads(text) for text in line.log.read_text().splitlines())
    return any(entry["event"] == Event.POSTGRES_UNAVAILABLE and "refused by a test" in entry["cause"] for entry in said)


def test_offsets_are_committed_only_after_the_database(line: Line) -> None:
    line.wait_until_settled()
    command_id = line.outbox.insert()
    with psycopg.connect(line.outbox.dsn) as holding:
        lock = sql.SQL("{} FOR UPDATE").format(statement("select", line.outbox.profile))
        holding.execute(lock, {"command_ids": [command_id]})
        line.tell(command_id, OutcomeKind.COMMITTED)
        until(lambda: sessions_waiting_for_a_lock(line) != set(), "a sink that waits for the row")

        assert line.lag == 1
        first = sessions_waiting_for_a_lock(line)
        line.restart_after(signal.SIGKILL)
        until(lambda: bool(sessions_waiting_for_a_lock(line) - first), "a new sink that waits for the row")
        assert line.lag == 1

    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()


def sessions_waiting_for_a_lock(line: Line) -> set[int]:
    """Those of the sink, also of one that was killed and whose session has not noticed yet."""
    dsn = line.database.server.dsn(SUPERUSER, "snake_case")  # others are not told what a session waits for
    with psycopg.connect(dsn) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = %s"
        return {int(pid) for (pid,) in connection.execute(query, (SINK,)).fetchall()}


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
        line.tell(command_id, OutcomeKind.COMMITTED)

    def while_away() -> None:
        for command_id in during:
            line.tell(command_id, OutcomeKind.SUBMITTED, OutcomeKind.COMMITTED)

    end_postgres(line, number, while_away)
    for command_id in after:
        line.tell(command_id, OutcomeKind.FAILED)

    line.wait_for(before + during, "COMMITTED")
    line.wait_for(after, "FAILED")
    line.wait_until_settled()


def test_while_postgres_is_away_nothing_is_acknowledged_and_the_sink_stays_up(line: Line) -> None:
    line.wait_until_settled()
    pid, complaints = line.supervisor.pid("sink"), complaints_in(line.log)
    command_id = line.outbox.insert()

    def while_away() -> None:
        line.tell(command_id, OutcomeKind.COMMITTED)
        until(lambda: complaints_in(line.log) > complaints, "a complaint in the log")
        assert line.lag == 1

    end_postgres(line, signal.SIGKILL, while_away)
    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()
    assert line.supervisor.pid("sink") == pid


def complaints_in(log: Path) -> int:
    return log.read_text().count(Event.POSTGRES_UNAVAILABLE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_restart_of_the_sink_loses_nothing(line: Line, number: signal.Signals) -> None:
    command_ids = line.outbox.insert_many(90)
    for position, command_id in enumerate(command_ids):
        if position == 30:
            line.restart_after(number)
        line.tell(command_id, OutcomeKind.SUBMITTED, OutcomeKind.COMMITTED)
    line.wait_for(command_ids, "COMMITTED")
    line.wait_until_settled()
