"""The replication slots that Debezium reads the outbox through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """`retained_bytes`: write-ahead log that its reader has not confirmed yet."""

    slot_name: str
    active: bool
    wal_status: str | None
    retained_bytes: int | None


def logical_slots(connection: psycopg.Connection[Any]) -> list[Slot]:
    """Every logical slot of this database."""
    query: Any = (Path(__file__).parent / "slots.sql").read_text()
    with connection.cursor(row_factory=class_row(Slot)) as cursor:
        return cursor.execute(query).fetchall()
