"""The database that gets into trouble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_CONNECT_TIMEOUT_S = 2
_LOCK_TIMEOUT = "-c lock_timeout=2s"


@dataclass(frozen=True, slots=True)
class TroubledDatabase:
    """The outbox's database, as its superuser."""

    dsn: str

    def begin(self, kind: str) -> Callable[[], bool] | None:
        """Begin a trouble; what is returned ends it, or returns False while Postgres is away.

        None: it could not begin, because Postgres is away or there is nothing to lock.
        """
        try:
            return self._read_only() if kind == "read-only" else self._locked(kind)
        except psycopg.OperationalError:
            return None

    def _locked(self, kind: str) -> Callable[[], bool] | None:
        """Locks live as long as their session."""
        session = self._connect()
        found = session.execute(_statement(kind))
        if found.description is not None and found.fetchone() is None:
            session.close()
            return None

        def end() -> bool:
            session.close()
            return True

        return end

    def _read_only(self) -> Callable[[], bool]:
        self._set("read-only")

        def end() -> bool:
            try:
                self._set("read-write")
            except psycopg.OperationalError:
                return False
            return True

        return end

    def _set(self, statement: str) -> None:
        with self._connect() as session:
            session.autocommit = True
            session.execute(_statement(statement))
            session.execute(_statement("reload"))

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, connect_timeout=_CONNECT_TIMEOUT_S, options=_LOCK_TIMEOUT)


def _statement(name: str) -> bytes:
    return Path(__file__).with_name(f"{name}.sql").read_bytes()
