"""Batches of outcomes into the rows: what the database does with each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import psycopg

from streams.messages import Outcome
from streams.postgres.connection import REFUSED, UNAVAILABLE, connect
from streams.postgres.profiles import Profile
from streams.postgres.rows import Row, apply_updates, fetch_rows, lock_rows
from streams.stages.write_back import FINAL, RowUpdate, write_back
from streams.telemetry import Event, logger

Refused: TypeAlias = Callable[[str, psycopg.Error], None]
"""Gets the command id of an outcome that the database will never take, and why."""


@dataclass(slots=True)
class SinkRows:
    """The table, through one connection, opened when it is needed.

    `written` is told the ids of the rows that have changed.
    """

    dsn: str
    profile: Profile
    written: Callable[[Set[str]], None]
    _connection: psycopg.Connection[Any] | None = field(default=None, init=False)

    def write(self, outcomes: Iterable[Outcome], refused: Refused) -> Set[str]:
        """Write the outcomes, in order; the ids of the rows that somebody has locked, which are as they were.

        Raises one of UNAVAILABLE when the database is away: then write all of them again.
        """
        return self._write(write_back(outcomes), refused)

    def _write(self, updates: Sequence[RowUpdate], refused: Refused) -> set[str]:
        """One that the database refuses does not hold up the others."""
        if not updates:
            return set()
        try:
            return self._write_at_once(updates)
        except REFUSED as error:
            if isinstance(error, UNAVAILABLE):
                raise
            if len(updates) == 1:
                refused(updates[0].command_id, error)
                return set()
            middle = len(updates) // 2
            return self._write(updates[:middle], refused) | self._write(updates[middle:], refused)

    def _write_at_once(self, updates: Sequence[RowUpdate]) -> set[str]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self.dsn)
        with self._connection.transaction():
            free = lock_rows(self._connection, self.profile, [update.command_id for update in updates])
            changed = apply_updates(self._connection, self.profile, [u for u in updates if u.command_id in free])
            unchanged = [update for update in updates if update.command_id not in changed]
            rows = fetch_rows(self._connection, self.profile, [update.command_id for update in unchanged])
        self.written(changed)
        for update in unchanged:
            if update.command_id not in rows or update.command_id in free:
                _tell_contradiction(update, rows.get(update.command_id))
        return rows.keys() - free

    def disconnect(self) -> None:
        """Close the connection; the next batch opens another one."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):  # it is gone either way
                self._connection.close()
            self._connection = None


def _tell_contradiction(update: RowUpdate, row: Row | None) -> None:
    """An outcome that changed nothing is old news, unless the row says something else for good."""
    if row is None:
        logger().error(Event.ROW_MISSING, command_id=update.command_id, status=update.status)
    elif update.status in FINAL and row.status != update.status:
        logger().error(
            Event.ROW_CONTRADICTS,
            command_id=update.command_id,
            row=row.status,
            outcome=update.status,
            transaction_id=update.transaction_id,
        )
