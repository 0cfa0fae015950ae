"""Inserts the workload at a rate, whatever becomes of the database meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from streams.chaos.checker.evidence import FINAL
from streams.chaos.workload import Planned, Workload
from streams.demo.payloads import as_json
from streams.postgres.profiles import Profile
from streams.postgres.rows import NewCommand, count_by_status, insert_command

_PAUSE_S = 0.2
_CONNECT_TIMEOUT_S = 2
_BEHIND_S = 1.0
"""What was not inserted while Postgres was away is not made up for beyond this."""

MOST_OPEN, _ASK_EVERY = 500, 25
"""Commands without an end beyond which none is inserted, asked once in so many: a long run is not to grow a queue."""


@dataclass(slots=True)
class Driver:
    """One connection, so that the order of the inserts is the order of their commits.

    `acknowledged` holds each command whose insert the database has confirmed, and when, in order.
    """

    dsn: str
    profile: Profile
    workload: Workload
    acknowledged: dict[str, tuple[Planned, datetime]] = field(default_factory=dict)
    interruptions: int = 0
    _connection: psycopg.Connection[Any] | None = None

    def run(self, rate: float, stop: threading.Event) -> None:
        """Insert `rate` commands a second until the event is set, fewer while MOST_OPEN have no end."""
        due_at = time.monotonic()
        while not stop.wait(max(0.0, due_at - time.monotonic())):
            while len(self.acknowledged) % _ASK_EVERY == 0 and self._is_full() and not stop.wait(_PAUSE_S):
                pass
            self.insert([self.workload.next()])
            due_at = max(due_at + 1 / rate, time.monotonic() - _BEHIND_S)

    def insert(self, commands: Iterable[Planned]) -> None:
        """Insert them, each until it is acknowledged. Raises psycopg.Error if Postgres refuses one."""
        for planned in commands:
            while not self._insert(planned):
                time.sleep(_PAUSE_S)
            self.acknowledged[planned.command_id] = planned, datetime.now(UTC)

    def _insert(self, planned: Planned) -> bool:
        new = NewCommand(
            command_id=planned.command_id,
            tenant_id="default",
            service="chaos",
            command_type=planned.command_type,
            request_id=planned.command_id,
            payload=as_json(planned.payload),
        )
        try:
            insert_command(self._connected(), self.profile, new)
        except psycopg.errors.UniqueViolation:
            return True  # the connection broke after the commit
        except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction):
            self.interruptions += 1
            self.close()
            return False
        return True

    def _is_full(self) -> bool:
        try:
            counts = count_by_status(self._connected(), self.profile)
        except psycopg.OperationalError:
            self.close()
            return False  # the insert will wait
        return sum(count for status, count in counts.items() if status not in FINAL) > MOST_OPEN

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.dsn, connect_timeout=_CONNECT_TIMEOUT_S, autocommit=True)
        return self._connection

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
