"""What people on call rely on, on one line that is broken and mended: alerts, dashboards, the commands of runbooks.

A real Prometheus has the shipped rules loaded, with every duration divided by live_prometheus.FASTER.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from boards import expressions
from live_prometheus import LivePrometheus, faster, live_prometheus
from rule_file import RULES, RUNBOOKS
from runbooks import DRILL, commands, expected_exit_code
from running_line import STREAMS, RunningLine, environment, local_paths, until

from streams.demo import payloads
from streams.demo.payloads import Names
from streams.local.ledgers import LedgerOptions
from streams.local.line import Line, LineOptions
from streams.local.postgres import SUPERUSER
from streams.local.prometheus import SERVER
from streams.local.stack import DATABASE

PARTNER = "submit-org1-partner-api"
SETTINGS = {
    # How long a worker waits for a transaction that died with the simulator; a minute would only cost time here.
    "STREAMS_FABRIC__COMMIT_TIMEOUT_S": "3",
    "STREAMS_MONITOR__PERIOD_S": "0.5",
}


@dataclass(frozen=True)
class OnCall:
    line: RunningLine
    prometheus: LivePrometheus
    users: list[str]

    def fires(self, *names: str) -> None:
        """Exactly these alerts, and each has its page."""
        self.prometheus.wait_for(*names)
        assert all((RUNBOOKS / f"{name}.md").is_file() for name in names)

    @contextmanager
    def without(self, *processes: str) -> Iterator[None]:
        """The processes are dead, and stay dead because nobody looks; afterwards they are well again."""
        supervisor = self.line.line.stack.supervisor
        for process in processes:
            assert supervisor.kill(process)
        try:
            yield
        finally:
            self.line.until(lambda: all(map(supervisor.is_up, processes)), f"{processes} up again")

    def pay(self, count: int) -> list[str]:
        """Insert so many transfers of the identity PARTNER."""
        payer, payee = self.users
        return self.line.insert("TRANSFER_TOKENS", *(payloads.transfer(payer, payee, 1) for _ in range(count)))

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """A line of a runbook, as people type it in the folder of the line."""
        path = f"{STREAMS.parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.line.folder,
            env=environment({"PATH": path}),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def connector(self, verb: str) -> None:
        """`pause` or `resume` it."""
        url = self.line.line.stack.connect_api.url
        urllib.request.urlopen(urllib.request.Request(f"{url}/connectors/outbox/{verb}", method="PUT"), timeout=5)


@pytest.fixture(scope="module")
def on_call(
    jars: None, prometheus_programs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnCall]:
    folder = tmp_path_factory.mktemp("on-call")
    options = LineOptions(
        ledger=LedgerOptions(block_interval_s=0.1),
        replicas={"route": 1},
        settings=SETTINGS,
    )
    with Line(local_paths(folder), options) as line:
        line.start()
        running, names = RunningLine(line, folder), Names(seed=11)
        users = [names.user_id("MY") for _ in range(2)]
        running.carry("BOOTSTRAP_SYSTEM", {})
        running.carry("INITIALIZE_COUNTRY_DATA", payloads.countries())
        running.carry("CREATE_USER", *map(payloads.create_user, users))
        with live_prometheus(prometheus_programs[SERVER], line.targets_file, folder / "prometheus") as prometheus:
            yield OnCall(running, prometheus, users)


def test_only_durations_differ_from_the_shipped_rules() -> None:
    shipped, loaded = RULES.read_text(), faster(RULES.read_text())
    dated = re.compile(r"\b\d+(s|m|h|ms)\b")
    assert dated.sub("", shipped) == dated.sub("", loaded)
    assert "for: 1m\n" in shipped
    assert "for: 4000ms\n" in loaded
    assert not re.search(r"(for: |\[)\d+[smh]\b", loaded)


def test_a_healthy_line_is_silent_and_every_target_answers(on_call: OnCall) -> None:
    on_call.line.final(on_call.pay(20))
    answers = "count by (job) (up == 1)"
    jobs = {"route": 2, "submit": 3, "write-back": 1, "monitor": 1, "connect": 1}

    def up() -> dict[str, int]:
        return {series["metric"]["job"]: int(series["value"][1]) for series in on_call.prometheus.query(answers)}

    until(lambda: up() == jobs, "every target is up")
    on_call.fires()


@pytest.mark.parametrize("where", expressions())
def test_every_panel_has_data(on_call: OnCall, where: str) -> None:
    until(lambda: bool(on_call.prometheus.query(expressions()[where])), f"data for {where}")


def test_a_drill_has_the_breaker_told_and_nothing_else_and_loses_nothing(on_call: OnCall) -> None:
    began_at, report = time.monotonic(), on_call.line.folder / ".local" / "drill.md"
    (drill,) = (command for command in commands() if command.startswith(DRILL))
    ran = on_call.shell(f"{drill} --prometheus {on_call.prometheus.url}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lasted_s = int(time.monotonic() - began_at)
    fired = on_call.prometheus.query(f'max_over_time(ALERTS{{alertstate="firing"}}[{lasted_s}s])')
    assert {series["metric"]["alertname"] for series in fired} == {"BreakerOpen"}
    assert re.findall(r" s \| (.*) \|", report.read_text()) == [
        "the ledger is away",
        "BreakerOpen fires",
        "the ledger is back",
        "every command has its end",
        "BreakerOpen has resolved",
    ]
    assert "| lost (no row, or no end) | 0 |\n| on the ledger twice | 0 |" in report.read_text()


@pytest.mark.parametrize("command", [command for command in commands() if not command.startswith(DRILL)])
def test_a_command_of_the_runbooks_does_what_it_must(on_call: OnCall, command: str) -> None:
    ran = on_call.shell(command)
    assert ran.returncode == expected_exit_code(command), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "dead", [{PARTNER: "IdentityDown"}, {"route-2": "WorkerDown", "sink": "WriteBackDown", "monitor": "MonitorDown"}]
)
def test_processes_that_are_dead_are_told_by_an_alert_each(on_call: OnCall, dead: dict[str, str]) -> None:
    with on_call.without(*dead):
        on_call.fires(*dead.values())
    on_call.fires()


def test_a_connector_that_was_paused_is_told(on_call: OnCall) -> None:
    on_call.connector("pause")
    on_call.fires("ConnectorNotRunning")
    on_call.connector("resume")
    on_call.fires()
    on_call.line.final(on_call.pay(1))


def test_a_command_that_cannot_go_on_is_told(on_call: OnCall) -> None:
    on_call.line.insert("TRANSFER_TOKENS", {"nobody": "is paid"})
    on_call.fires("DeadLetters")


def test_connect_that_is_dead_is_told_and_then_the_log_that_postgres_gives_up(on_call: OnCall) -> None:
    """The last test of the line: its slot is lost."""
    assert on_call.line.line.stack.supervisor.kill("connect")
    on_call.fires("ConnectDown", "DeadLetters")
    dsn = on_call.line.line.stack.postgres.dsn(SUPERUSER, DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in Path(__file__).with_name("lose_the_log.sql").read_text().split(";"):
            if statement.strip():
                connection.execute(statement)
    on_call.fires("ConnectDown", "DeadLetters", "SlotLosesWal")
