"""What becomes of the commands of a drill, by looking at their rows again and again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from streams.chaos.checker.evidence import FINAL, Change, Row
from streams.postgres import rows as table
from streams.postgres.profiles import Profile

_CONNECT_TIMEOUT_S = 5


@dataclass(slots=True)
class Watch:
    """`changes` are the steps of the status as it was seen; a step between two looks is not seen.

    `most_open`: the largest number of commands that were open at a look.
    """

    dsn: str
    profile: Profile
    changes: list[Change] = field(default_factory=list)
    most_open: int = 0
    _rows: dict[str, table.Row] = field(default_factory=dict)

    def look(self, command_ids: Iterable[str]) -> int:
        """Look at those that were not final; how many are not. Raises psycopg.Error."""
        looked_at = [i for i in command_ids if i not in self._rows or self._rows[i].status not in FINAL]
        with psycopg.connect(self.dsn, connect_timeout=_CONNECT_TIMEOUT_S, autocommit=True) as connection:
            found = table.fetch_rows(connection, self.profile, looked_at)
        for row in found.values():
            self._note(row)
        still_open = sum(i not in self._rows or self._rows[i].status not in FINAL for i in looked_at)
        self.most_open = max(self.most_open, still_open)
        return still_open

    def rows(self, command_ids: Iterable[str]) -> list[Row]:
        """As the checker wants them, in the order of the inserts; those that were found."""
        return [_as_evidence(self._rows[i]) for i in command_ids if i in self._rows]

    def refused(self) -> list[table.Row]:
        """Those that FAILED."""
        return [row for row in self._rows.values() if row.status == "FAILED"]

    def _note(self, row: table.Row) -> None:
        before = self._rows.get(row.command_id)
        if before is None or before.status != row.status:
            self.changes.append(
                Change(
                    number=len(self.changes),
                    command_id=row.command_id,
                    before=before.status if before else None,
                    after=row.status,
                    transaction_id=row.transaction_id,
                    error=row.error,
                    changed_at=datetime.now(UTC),
                )
            )
        self._rows[row.command_id] = row


def _as_evidence(row: table.Row) -> Row:
    payload: Any = json.loads(row.payload)
    return Row(
        command_id=row.command_id,
        command_type=row.command_type,
        payload=payload,
        status=row.status,
        transaction_id=row.transaction_id,
        block_number=row.block_number,
        error_code=row.error_code,
        error=row.error,
    )
