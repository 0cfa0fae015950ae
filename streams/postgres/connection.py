"""The sink's connection and the monitor's, and what an error says: the database is away, or it refuses a row."""

from __future__ import annotations

from typing import Any

import psycopg

UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby after a failover, or a disk that is full
)
REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError, psycopg.errors.RaiseException)
"""What the database says to one row, a trigger's exception included; unless it is one of UNAVAILABLE."""

_PARAMETERS: dict[str, Any] = {
    "connect_timeout": 5,
    # A row that somebody holds, or a host that has vanished, must not hold the line up for ever.
    "options": "-c lock_timeout=5s -c statement_timeout=30s",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


_READ_ONLY = {"options": f"{_PARAMETERS['options']} -c default_transaction_read_only=on"}


def connect(dsn: str, *, read_only: bool = False) -> psycopg.Connection[Any]:
    """A connection on which nothing lasts for ever. Raises psycopg.OperationalError."""
    return psycopg.connect(dsn, **_PARAMETERS | (_READ_ONLY if read_only else {}))
