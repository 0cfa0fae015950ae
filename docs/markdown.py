"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

NOTICE = "<!-- Made by `make docs` from the code. Do not edit. -->\n"


def code(text: str) -> str:
    """Text as inline code."""
    return f"`{text}`"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a bar within a cell would end it, so it is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(_line(cells) for cells in lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
