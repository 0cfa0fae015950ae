"""Start a line of its own, send the script, wait for every command, verify, report."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from streams.demo.payloads import as_json
from streams.demo.script import UNKNOWN_TYPE, Planned, Script
from streams.errors import PipelineError
from streams.fabric.gateway import Gateway
from streams.local.line import Line
from streams.postgres.profiles import Profile
from streams.postgres.rows import NewCommand, Row, fetch_rows, insert_command
from streams.stages.write_back import FINAL

PHASE_TIMEOUT_S = 60.0
POLL_S = 0.1


@dataclass(slots=True)
class Sent:
    """Everything that was sent, by command id, and the rows as they are now."""

    planned: dict[str, Planned] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def open(self) -> list[str]:
        """The ids whose rows are not final yet."""
        return [i for i in self.planned if i not in self.rows or self.rows[i].status not in FINAL]


def add_unknown_type(connection: psycopg.Connection[tuple[object, ...]], profile: Profile) -> None:
    """A label that no route knows; before Debezium reads the enum."""
    name = sql.Identifier(profile.schema, profile.command_type)
    connection.execute(sql.SQL("ALTER TYPE {} ADD VALUE IF NOT EXISTS {}").format(name, sql.Literal(UNKNOWN_TYPE)))


def fresh(folder: Path) -> None:
    """Remove the data of an earlier demonstration: it starts with an empty ledger."""
    if folder.exists():
        shutil.rmtree(folder)


async def play(line: Line, gateway: Gateway, console: Console) -> Sent:
    """Send the whole script; returns when every row is final. Raises PipelineError when one is not in time."""
    script, sent = Script(), Sent()
    with (
        psycopg.connect(line.environment()["STREAMS_POSTGRES__DSN"], autocommit=True) as connection,
        Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        ) as progress,
    ):
        for title, phase in script.phases():
            ids = _insert(connection, line.profile, phase(), sent)
            bar = progress.add_task(title, total=len(ids))
            _wait(connection, line.profile, ids, sent, lambda done, bar=bar: progress.update(bar, completed=done))
            await _learn(gateway, ids, sent, script.results)
    return sent


def _insert(
    connection: psycopg.Connection[Any], profile: Profile, commands: Iterable[Planned], sent: Sent
) -> list[str]:
    """One transaction per command, as a service writes it."""
    ids = []
    for planned in commands:
        command_id = str(uuid.uuid4())
        new = NewCommand(
            command_id=command_id,
            tenant_id="default",
            service="demo",
            command_type=planned.command_type,
            request_id=f"{planned.command_type.lower().replace('_', '-')}-{command_id}",
            payload=as_json(planned.payload),
        )
        with connection.transaction():
            insert_command(connection, profile, new)
        sent.planned[command_id] = planned
        ids.append(command_id)
    return ids


def _wait(connection: psycopg.Connection[Any], profile: Profile, ids: list[str], sent: Sent, show: Any) -> None:
    """Until the rows of `ids` are final; `show` is told how many are."""
    deadline = time.monotonic() + PHASE_TIMEOUT_S
    waiting = ids
    while waiting:
        sent.rows |= fetch_rows(connection, profile, waiting)
        waiting = [i for i in waiting if sent.rows[i].status not in FINAL]
        show(len(ids) - len(waiting))
        if waiting and time.monotonic() > deadline:
            named = ", ".join(f"{i} ({sent.rows[i].command_type} {sent.rows[i].status})" for i in waiting[:10])
            raise PipelineError(f"{len(waiting)} commands are not final after {PHASE_TIMEOUT_S:.0f} s: {named}")
        if waiting:
            time.sleep(POLL_S)


async def _learn(gateway: Gateway, ids: list[str], sent: Sent, results: dict[str, Any]) -> None:
    """What later phases need of the chaincode's answers, read from the ledger by transaction id."""
    for command_id in ids:
        label, transaction_id = sent.planned[command_id].label, sent.rows[command_id].transaction_id
        if not label:
            continue
        entry = await gateway.look_up(transaction_id) if transaction_id else None
        if entry is None:
            raise PipelineError(f"the {label} ({command_id}) did not come about: {sent.rows[command_id].error}")
        results[label] = json.loads(entry.result)
