"""What tells how the outbox's database is: its slots, its rows by status, its oldest pending row. All of it cheap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row

from streams.postgres.profiles import Profile
from streams.postgres.rows import statement

OPEN_LIMIT, FINAL_LIMIT = 1_000_000, 10_000
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotHealth:
    """`retained_bytes`: write-ahead log that stays on disk for the slot; None when it is lost.

    `safe_wal_bytes`: how much can be written before it may be lost; None without `max_slot_wal_keep_size`.
    """

    slot_name: str
    active: bool
    wal_status: str | None
    retained_bytes: int | None
    safe_wal_bytes: int | None


def slot_health(connection: psycopg.Connection[Any]) -> list[SlotHealth]:
    """Every logical slot of this database."""
    query: Any = (_HERE / "slot_health.sql").read_text()
    with connection.cursor(row_factory=class_row(SlotHealth)) as cursor:
        return cursor.execute(query).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsHealth:
    """`by_status` has every status of the table; beyond a limit its figure is an estimate (bounded_count.sql)."""

    by_status: dict[str, int]
    oldest_pending_s: float


def rows_health(
    connection: psycopg.Connection[Any],
    profile: Profile,
    *,
    open_limit: int = OPEN_LIMIT,
    final_limit: int = FINAL_LIMIT,
) -> RowsHealth:
    """The rows, in time that the limits bound, however many there are; needs the table's index on status."""
    no_scan: Any = (_HERE / "no_scan.sql").read_text()
    table = psycopg.sql.Identifier(profile.schema, profile.table)
    parameters = {
        "open_limit": open_limit,
        "final_limit": final_limit,
        "table_name": table.as_string(connection),
        "schema_name": profile.schema,
        "plain_name": profile.table,
        "status_name": profile.columns["status"],
    }
    with connection.transaction():
        connection.execute(no_scan)
        counts = connection.execute(statement("bounded_count", profile), parameters).fetchall()
        oldest = connection.execute(statement("oldest_pending", profile)).fetchone()
    return RowsHealth(by_status=dict(counts), oldest_pending_s=oldest[0] if oldest else 0.0)
