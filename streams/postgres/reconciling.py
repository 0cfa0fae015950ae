"""What reconciliation reads of the database: the rows of a stretch of time, and how far their capture has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from streams.postgres.profiles import Profile
from streams.postgres.rows import statement

BATCH_SIZE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """A row without its payload; `payload_sha256` is the hash of the payload's text, in hex."""

    command_id: str
    status: str
    attempts: int
    transaction_id: str | None
    error_code: str | None
    created_at: datetime
    updated_at: datetime
    payload_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A replication slot; `has_passed`: whoever reads it holds everything up to the position that was asked about."""

    slot_name: str
    active: bool
    has_passed: bool


@contextmanager
def rows_between(
    connection: psycopg.Connection[Any], profile: Profile, since: datetime, until: datetime
) -> Iterator[Iterator[RowState]]:
    """The rows created in this stretch, as of one moment, in no order, through a cursor of the server.

    The connection must be in no transaction and not in autocommit.
    """
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction(), connection.cursor("rows_between", row_factory=class_row(RowState)) as cursor:
        cursor.itersize = BATCH_SIZE
        cursor.execute(statement("rows_between", profile), {"since": since, "until": until})
        yield iter(cursor)


def known_transactions(
    connection: psycopg.Connection[Any], profile: Profile, transaction_ids: Sequence[str]
) -> set[str]:
    """Those of the ids that a row shows."""
    rows = connection.execute(statement("transactions_known", profile), {"transaction_ids": list(transaction_ids)})
    return {transaction_id for (transaction_id,) in rows.fetchall()}


def end_of_log(connection: psycopg.Connection[Any], profile: Profile) -> str:
    """The position that the write-ahead log has come to, as Postgres writes it."""
    row = connection.execute(statement("log_end", profile)).fetchone()
    return str(row[0]) if row else ""


def reader_of_log(connection: psycopg.Connection[Any], profile: Profile, slot: str, position: str) -> Reader | None:
    """The logical slot of this name, and whether it has passed the position; None if it is gone."""
    with connection.cursor(row_factory=class_row(Reader)) as cursor:
        asked = {"slot": slot, "position": position}
        return cursor.execute(statement("capture_position", profile), asked).fetchone()
