"""The whole line while it runs: how tests insert, wait, ask the command line and restart a part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from streams.files import ROOT
from streams.kafka.groups import line_groups
from streams.kafka.lag import lags
from streams.local.line import Line
from streams.local.paths import LocalPaths
from streams.postgres.rows import NewCommand, Row, fetch_rows, insert_command

STREAMS = Path(sys.executable).with_name("streams")
JARS = ROOT / ".local" / "jars"
DEADLINE_S = 90.0
POLL_S = 0.05
FINAL = frozenset({"COMMITTED", "FAILED"})


def until(condition: Callable[[], bool], what: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return when the condition holds; fail after the deadline, naming what did not come."""
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        meanwhile()
        assert time.monotonic() < due_at, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(POLL_S)


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Ours without any setting of a line, and the changes."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("STREAMS_")}
    return ours | dict(changes)


def streams(folder: Path, *arguments: str, text: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `streams <arguments>` in the folder to its end; `text` is its standard input."""
    return subprocess.run(
        [STREAMS, *arguments],
        cwd=folder,
        env=environment(settings),
        input=text,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def usual_folder(folder: Path) -> Path:
    """A folder in which the command line finds the jars that are there already."""
    (folder / ".local").mkdir(parents=True)
    (folder / ".local" / "jars").symlink_to(JARS)
    return folder


def local_paths(folder: Path) -> LocalPaths:
    """Where the command line keeps what it makes in the folder."""
    return LocalPaths(state=folder / ".local" / "state", jars=JARS, logs=folder / ".local" / "logs")


@dataclass(frozen=True)
class RunningLine:
    """A line under the test's own supervision: what dies is started again while a test waits."""

    line: Line
    folder: Path

    def insert(self, command_type: str, *payloads: object) -> list[str]:
        """Insert commands, one transaction each; the ids in order."""
        return self.insert_all([(command_type, payload) for payload in payloads])

    def insert_all(self, commands: Iterable[tuple[str, object]]) -> list[str]:
        """As `insert`, of several types."""
        command_ids = []
        with self.connect() as connection:
            for command_type, payload in commands:
                command_id = str(uuid.uuid4())
                command = NewCommand(
                    command_id=command_id,
                    tenant_id="default",
                    service="test",
                    command_type=command_type,
                    request_id=command_id,
                    payload=json.dumps(payload),
                )
                insert_command(connection, self.line.profile, command)
                command_ids.append(command_id)
        return command_ids

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.line.environment()["STREAMS_POSTGRES__DSN"], autocommit=True)

    def rows(self, command_ids: Sequence[str]) -> dict[str, Row]:
        with self.connect() as connection:
            return fetch_rows(connection, self.line.profile, command_ids)

    def final(self, command_ids: Sequence[str]) -> dict[str, Row]:
        """Their rows, once every one is final."""
        self.until(
            lambda: all(row.status in FINAL for row in self.rows(command_ids).values()), f"{len(command_ids)} ends"
        )
        return self.rows(command_ids)

    def carry(self, command_type: str, *payloads: object) -> dict[str, Row]:
        """Insert commands and wait for what must become of them: COMMITTED."""
        rows = self.final(self.insert(command_type, *payloads))
        assert {(row.status, row.error) for row in rows.values()} == {("COMMITTED", None)}
        return rows

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait, and start again what has died."""
        until(condition, what, self.line.stack.look)

    def settle(self) -> None:
        """Wait until every group has acknowledged everything."""
        groups = line_groups(self.line.routes.identities, self.cdc_topic)
        self.until(lambda: not any(lag.records for lag in lags(self.bootstrap_servers, groups)), "no lag anywhere")

    def restart(self, name: str, number: signal.Signals, meanwhile: Callable[[], None]) -> None:
        """Signal a process of the line, do something, and wait until it is started again and healthy."""
        supervisor = self.line.stack.supervisor
        before = supervisor.pid(name)
        os.kill(before, number)
        meanwhile()
        self.until(lambda: supervisor.pid(name) != before, f"a new {name}")

    @property
    def bootstrap_servers(self) -> str:
        return self.line.stack.kafka.bootstrap_servers

    @property
    def cdc_topic(self) -> str:
        return self.line.profile.cdc_topic(self.line.stack.connector.topic_prefix)

    def streams(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """The command line, in the folder of this line."""
        return streams(self.folder, *arguments, text=text)

    def json(self, *arguments: str) -> Any:
        """What the command line answers in JSON."""
        ran = self.streams(*arguments, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)
