"""What became of the status of each row: a trigger in the databases of tests writes it down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from streams.postgres.profiles import Profile

AUDIT = Path(__file__).with_name("audit.sql")


def audit(connection: psycopg.Connection[Any], profile: Profile) -> None:
    """Write down every status from now on, as the owner of the table. The caller commits."""
    text: Any = AUDIT.read_text()
    names = {name: sql.Identifier(profile.columns[name]) for name in ("id", "status")}
    connection.execute(sql.SQL(text).format(table=sql.Identifier(profile.schema, profile.table), **names))


def status_history(connection: psycopg.Connection[Any], command_id: str) -> list[str]:
    """The statuses that the row has had, in order."""
    query = "SELECT status FROM status_history WHERE command_id = %s ORDER BY number"
    return [status for (status,) in connection.execute(query, (command_id,)).fetchall()]
