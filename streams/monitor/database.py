"""Sources `postgres` (replication slots) and `rows` (the outbox): apart, so that a table that is slow hides no slot."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import psycopg

from streams.monitor.metrics import Sample, sample
from streams.postgres.connection import connect
from streams.postgres.health import RowsHealth, SlotHealth, rows_health, slot_health
from streams.postgres.profiles import Profile

WAL_STATUSES = ("reserved", "extended", "unreserved", "lost")
"""Of pg_replication_slots.wal_status (PostgreSQL, "pg_replication_slots")."""

PENDING = "PENDING"


T = TypeVar("T")


class KeptConnection:
    """One connection that is kept, read only, and made anew after an error."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] | None = None

    def ask(self, question: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Raises psycopg.Error when Postgres is away or takes too long."""
        try:
            if self._connection is None:
                self._connection = connect(self._dsn, read_only=True)
                self._connection.autocommit = True
            return question(self._connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):  # it is gone either way
                self._connection.close()
            self._connection = None


class Database:
    """A question to Postgres that is answered with samples."""

    def __init__(self, dsn: str, question: Callable[[psycopg.Connection[Any]], Iterable[Sample]]) -> None:
        self._connection = KeptConnection(dsn)
        self._question = question

    def collect(self) -> list[Sample]:
        """Raises psycopg.Error when Postgres is away or takes too long."""
        return self._connection.ask(lambda connection: list(self._question(connection)))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def slots(dsn: str) -> Database:
    """The logical slots of the database."""
    return Database(dsn, lambda connection: slot_samples(slot_health(connection)))


def rows(dsn: str, profile: Profile) -> Database:
    """The rows of the outbox."""
    return Database(dsn, lambda connection: row_samples(rows_health(connection, profile)))


def slot_samples(found: Iterable[SlotHealth]) -> Iterator[Sample]:
    """What is not known, Postgres says with NULL, and no sample says here."""
    for slot in found:
        name = slot.slot_name
        yield sample("pg_slot_active", slot.active, slot=name)
        if slot.retained_bytes is not None:
            yield sample("pg_slot_retained_bytes", slot.retained_bytes, slot=name)
        if slot.safe_wal_bytes is not None:
            yield sample("pg_slot_safe_wal_bytes", slot.safe_wal_bytes, slot=name)
        for status in WAL_STATUSES:
            yield sample("pg_slot_wal_status", status == slot.wal_status, slot=name, wal_status=status)


def row_samples(found: RowsHealth) -> Iterator[Sample]:
    """Every status, also those that no row has."""
    for status, count in found.by_status.items():
        yield sample("outbox_rows", count, status=status)
    yield sample("outbox_queue_depth", found.by_status.get(PENDING, 0))
    yield sample("outbox_oldest_pending_age_seconds", found.oldest_pending_s)
