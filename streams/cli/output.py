"""How the command line prints: people's tables on standard output, complaints on standard error."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH_OF_A_FILE = 160
"""Columns, where nobody's terminal tells: tables are not cut off in logs and pipes."""

stdout = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
stderr = Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:
    """One JSON document, for scripts."""
    print(json.dumps(document, default=_plain, indent=2))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return value.isoformat() if isinstance(value, datetime) else str(value)


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """An empty table; the columns named in `right` hold figures."""
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def cells(*values: Any) -> list[str]:
    """Values as table cells: None is empty, markup in them is text."""
    return ["" if value is None else escape(str(value)) for value in values]
