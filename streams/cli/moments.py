"""Times on the command line: ISO 8601, or an age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment(text: str, option: str) -> datetime:
    """`2026-03-01T12:00:00` (UTC without a zone), or `90m`, `12h`, `3d` ago. Raises typer.BadParameter."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS_S and number.isdecimal():
        return datetime.now(UTC) - timedelta(seconds=int(number) * _UNITS_S[unit])
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither a time nor an age as 90m, 12h, 3d", param_hint=option) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
