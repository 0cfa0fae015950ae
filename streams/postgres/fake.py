"""The outbox table in memory, for tests that need a table and no database.

It passes the same suite as the table in Postgres: `tests/contract/outbox_contract.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from streams.errors import PipelineError
from streams.postgres.rows import NewCommand, Row
from streams.stages.write_back import FINAL, RowStatus, RowUpdate


class FakeOutbox:
    """Rows by command id. `now` is the database's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._rows: dict[str, Row] = {}

    def insert(self, command: NewCommand) -> None:
        """One PENDING row. Raises PipelineError for an id or a tenant's request id that is there already."""
        taken = {(row.tenant_id, row.request_id) for row in self._rows.values()}
        if command.command_id in self._rows or (command.tenant_id, command.request_id) in taken:
            raise PipelineError(f"{command.command_id}: the id or the request id is taken")
        self._rows[command.command_id] = Row(
            command_id=command.command_id,
            tenant_id=command.tenant_id,
            service=command.service,
            command_type=command.command_type,
            request_id=command.request_id,
            payload=command.payload,
            status=RowStatus.PENDING,
            attempts=0,
            submitted_at=None,
            transaction_id=None,
            block_number=None,
            error_code=None,
            error=None,
            created_at=self._now(),
            updated_at=self._now(),
        )

    def lock(self, command_id: str) -> None:
        """LOCKED, as a polling worker left it."""
        self._rows[command_id] = replace(self._rows[command_id], status=RowStatus.LOCKED)

    def apply(self, updates: Sequence[RowUpdate]) -> set[str]:
        """The guarded UPDATE of write_back.sql; the ids of the rows that changed."""
        changed = set()
        for update in updates:
            row = self._rows.get(update.command_id)
            if row is None or not _may_change(row, update):
                continue
            shown = _shown(row, update)
            if shown != row:
                self._rows[row.command_id] = replace(shown, updated_at=self._now())
                changed.add(row.command_id)
        return changed

    def rows(self, command_ids: Sequence[str]) -> dict[str, Row]:
        """The rows that exist."""
        return {i: self._rows[i] for i in command_ids if i in self._rows}


def _may_change(row: Row, update: RowUpdate) -> bool:
    """A final row never changes, but by a redrive of what FAILED; a SUBMITTED one is not held back any more."""
    if row.status == RowStatus.FAILED and update.is_redrive:
        return update.status != RowStatus.PENDING
    return row.status not in FINAL and (row.status, update.status) != (RowStatus.SUBMITTED, RowStatus.PENDING)


def _shown(row: Row, update: RowUpdate) -> Row:
    return replace(
        row,
        status=row.status if update.status == RowStatus.PENDING else update.status,
        attempts=max(row.attempts, update.attempts),
        transaction_id=update.transaction_id or row.transaction_id,
        block_number=row.block_number if update.block_number is None else update.block_number,
        submitted_at=update.submitted_at or row.submitted_at,
        error_code=update.error_code,
        error=update.error,
    )
