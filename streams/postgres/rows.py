"""The rows of the outbox: written by the sink, read and inserted by the tools.

SQL is in the `.sql` files beside this one, with the profile's names filled in by psycopg (never by string formatting
of values).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from streams.postgres.profiles import Profile
from streams.stages.write_back import RowUpdate

_HERE = Path(__file__).parent


@cache
def _template(name: str) -> sql.SQL:
    text: Any = (_HERE / f"{name}.sql").read_text()
    return sql.SQL(text)


def statement(name: str, profile: Profile) -> sql.Composed:
    """`<name>.sql` with the names of the profile in place of its {placeholders}."""
    names: dict[str, sql.Composable] = {
        column: sql.Identifier(physical) for column, physical in profile.columns.items()
    }
    names["table"] = sql.Identifier(profile.schema, profile.table)
    names["status_type"] = sql.Identifier(profile.schema, profile.status_type)
    names["command_type_type"] = sql.Identifier(profile.schema, profile.command_type)
    return _template(name).format(**names)


def apply_updates(connection: psycopg.Connection[Any], profile: Profile, updates: Sequence[RowUpdate]) -> set[str]:
    """Write the updates in their order; the ids of the rows that changed. The caller commits.

    One guarded statement, or more if commands have several updates: a statement writes a row once.
    """
    changed: set[str] = set()
    while updates:
        first = {update.command_id: update for update in reversed(updates)}
        changed |= _apply_round(connection, profile, list(first.values()))
        updates = [update for update in updates if first[update.command_id] is not update]
    return changed


def _apply_round(connection: psycopg.Connection[Any], profile: Profile, updates: Sequence[RowUpdate]) -> set[str]:
    parameters = {
        "command_ids": [u.command_id for u in updates],
        "statuses": [u.status.value for u in updates],
        "attempts": [u.attempts for u in updates],
        "transaction_ids": [u.transaction_id for u in updates],
        "transaction_attempts": [u.transaction_attempt for u in updates],
        "block_numbers": [u.block_number for u in updates],
        "submitted_ats": [u.submitted_at for u in updates],
        "error_codes": [u.error_code for u in updates],
        "errors": [u.error for u in updates],
        "redrives": [u.is_redrive for u in updates],
    }
    rows = connection.execute(statement("write_back", profile), parameters).fetchall()
    return {row[0] for row in rows}


def lock_rows(connection: psycopg.Connection[Any], profile: Profile, command_ids: Sequence[str]) -> set[str]:
    """Lock these rows until the transaction ends; the ids of those that exist and that nobody else holds. Never waits.

    Raises psycopg.errors.LockNotAvailable when the table itself is locked for longer than lock_timeout.
    """
    rows = connection.execute(statement("lock", profile), {"command_ids": list(command_ids)}).fetchall()
    return {row[0] for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the outbox, under the names of the snake_case profile. `payload` is JSON text."""

    command_id: str
    tenant_id: str
    service: str
    command_type: str
    request_id: str
    payload: str
    status: str
    attempts: int
    submitted_at: datetime | None
    transaction_id: str | None
    block_number: int | None
    error_code: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommand:
    """What a service inserts. `payload` is JSON text."""

    command_id: str
    tenant_id: str
    service: str
    command_type: str
    request_id: str
    payload: str


def insert_command(connection: psycopg.Connection[Any], profile: Profile, command: NewCommand) -> None:
    """Insert one command. The caller commits. Raises psycopg.Error as Postgres reports it."""
    connection.execute(statement("insert", profile), asdict(command))


def fetch_rows(connection: psycopg.Connection[Any], profile: Profile, command_ids: Sequence[str]) -> dict[str, Row]:
    """The rows that exist, by command id."""
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        cursor.execute(statement("select", profile), {"command_ids": list(command_ids)})
        return {row.command_id: row for row in cursor.fetchall()}


def statuses(connection: psycopg.Connection[Any], profile: Profile, command_ids: Sequence[str]) -> dict[str, str]:
    """The status of the rows that exist, by command id."""
    parameters = {"command_ids": list(command_ids)}
    return dict(connection.execute(statement("statuses", profile), parameters).fetchall())


def count_by_status(connection: psycopg.Connection[Any], profile: Profile) -> dict[str, int]:
    """How many rows have each status that occurs."""
    return dict(connection.execute(statement("count", profile)).fetchall())


def command_types(connection: psycopg.Connection[Any], profile: Profile) -> list[str]:
    """The labels of the table's command type enum."""
    return [label for (label,) in connection.execute(statement("labels", profile)).fetchall()]


def emitting(profile: Profile, command_ids: Sequence[str]) -> str:
    """The query of these rows, as text with its values quoted: for Debezium, not for a connection of ours."""
    names: dict[str, sql.Composable] = {
        "table": sql.Identifier(profile.schema, profile.table),
        **{name: sql.Identifier(profile.columns[name]) for name in ("id", "status", "fabric_tx_id", "created_at")},
        "command_ids": sql.SQL(", ").join(map(sql.Literal, command_ids)),
    }
    text = _template("emit").format(**names).as_string(None)
    return " ".join(line for line in text.splitlines() if not line.startswith("--"))


def waiting_rows(
    connection: psycopg.Connection[Any], profile: Profile, statuses: Sequence[str], older_than: timedelta
) -> Iterator[Row]:
    """The rows with one of these statuses that are older, the oldest first; any number, in little memory."""
    with connection.transaction(), connection.cursor("waiting", row_factory=class_row(Row)) as cursor:
        cursor.execute(statement("waiting", profile), {"statuses": list(statuses), "older_than": older_than})
        yield from cursor
