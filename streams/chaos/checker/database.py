"""Rows and the history of their status, by SQL of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from streams.chaos.checker.evidence import Change, Row

_HERE = Path(__file__).parent


def read_rows(connection: psycopg.Connection[Any]) -> list[Row]:
    """Every row, in the order in which the rows were inserted."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_sql("rows")).fetchall()
    return [Row(**{**row, "payload": json.loads(row["payload"])}) for row in found]


def read_changes(connection: psycopg.Connection[Any]) -> list[Change]:
    """Every write of a status, in order."""
    with connection.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_sql("changes")).fetchall()


def _sql(name: str) -> bytes:
    return (_HERE / f"{name}.sql").read_bytes()
