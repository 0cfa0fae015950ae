"""Sentences about what is wrong in a routes file."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


def unknown_names(given: Iterable[str], known: Collection[str]) -> list[str]:
    """One problem per name that is not known."""
    return [f'unknown key "{name}": {suggestion(name, known)}' for name in given if name not in known]


def suggestion(name: str, known: Collection[str]) -> str:
    """What to write instead: the closest known name, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"?' if close else f"use one of {', '.join(known) or '(none declared)'}"
