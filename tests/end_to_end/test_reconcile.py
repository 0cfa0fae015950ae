"""`streams reconcile` on the running line: all agrees, a lost event is found and repaired, so is a row put back."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from datetime import UTC, datetime
from typing import Any

from conftest import Population
from psycopg import sql
from running_line import RunningLine, streams

from streams.demo import payloads
from streams.kafka.reading import read_since
from streams.kafka.topics import OPERATOR_ACTIONS

COMMANDS = 20


def reconcile(line: RunningLine, since: datetime, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Of rows created since then, however young; waits until capture has confirmed that it has passed them."""
    settings = {"STREAMS_RECONCILE__GRACE_S": "0", "STREAMS_RECONCILE__CAPTURE_PATIENCE_S": "60"}
    return streams(line.folder, "reconcile", "--since", since.isoformat(), *arguments, **settings)


def counts(ran: subprocess.CompletedProcess[str]) -> dict[str, int]:
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found["not_judged"] == {}
    return {kind: count for kind, count in found["counts"].items() if count}


def transfers(population: Population, count: int) -> list[object]:
    return [payloads.transfer(population.payers[n], population.payees[n], 100 + n) for n in range(count)]


def begun(line: RunningLine) -> datetime:
    """The time of the database, with nothing under way."""
    line.settle()
    return datetime.now(UTC)


def test_a_line_that_has_carried_everything_has_no_findings(line: RunningLine, population: Population) -> None:
    since = begun(line)
    line.carry("TRANSFER_TOKENS", *transfers(population, COMMANDS))
    line.settle()
    ran = reconcile(line, since, "--json")
    assert (ran.returncode, counts(ran)) == (0, {}), ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert (told["rows"], told["transactions"] >= COMMANDS) == (COMMANDS, True)


def test_a_lost_event_and_a_row_put_back_by_sql_are_found_and_repaired(
    line: RunningLine, population: Population
) -> None:
    since = begun(line)
    carried = list(line.carry("TRANSFER_TOKENS", *transfers(population, 3)))
    names = {"publication": sql.Identifier(line.line.stack.connector.publication), "table": table_of(line)}
    with line.connect() as connection:
        connection.execute(sql.SQL("ALTER PUBLICATION {publication} DROP TABLE {table}").format(**names))
        (lost,) = line.insert("TRANSFER_TOKENS", *transfers(population, 1))
        connection.execute(sql.SQL("ALTER PUBLICATION {publication} ADD TABLE {table}").format(**names))
        put_back = sql.SQL("UPDATE {table} SET status = 'PENDING' WHERE id = %s").format(table=names["table"])
        connection.execute(put_back, (carried[0],))
    line.settle()

    found = reconcile(line, since, "--json")
    assert (found.returncode, counts(found)) == (1, {"row_without_event": 1, "row_put_back": 1}), found.stderr
    assert line.rows([lost])[lost].status == "PENDING"

    repaired = reconcile(line, since, "--repair", "--yes", "--reason", "a publication was changed")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert {row.status for row in line.final([lost, *carried]).values()} == {"COMMITTED"}
    assert any(b"a publication was changed" in (one.value() or b"") for one in actions(line, since))
    line.settle()
    again = reconcile(line, since, "--json")
    assert (again.returncode, counts(again)) == (0, {}), again.stderr


def test_the_monitor_counts_what_does_not_agree(line: RunningLine) -> None:
    url = line.line.environment()["STREAMS_MONITOR__URL"]

    def metrics() -> str:
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    line.until(lambda: "outbox_reconcile_last_run_timestamp_seconds" in metrics(), "a reconciliation by the monitor")
    assert 'outbox_reconcile_missing{kind="ledger_without_row"} 0.0' in metrics()


def table_of(line: RunningLine) -> sql.Identifier:
    return sql.Identifier(line.line.profile.schema, line.line.profile.table)


def actions(line: RunningLine, since: datetime) -> list[Any]:
    return list(read_since(line.bootstrap_servers, OPERATOR_ACTIONS, since))
