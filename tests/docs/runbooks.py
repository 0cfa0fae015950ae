"""The commands of the runbooks that are for a line on this machine: every line of every `sh` block."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from pages import ROOT, Page

OPERATIONS = ROOT / "docs" / "operations"
DRILL = "streams drill "
_EXITS = re.compile(r"# exits with (\d+)$")


def commands() -> dict[str, list[str]]:
    """Each command once, in the order of the pages, and the pages that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(OPERATIONS.rglob("*.md")):
        for command in Page(file).blocks("sh"):
            found[command].append(_name(file))
    return dict(found)


def expected_exit_code(command: str) -> int:
    """0, unless a comment at its end says otherwise."""
    said = _EXITS.search(command)
    return int(said.group(1)) if said else 0


def _name(file: Path) -> str:
    return str(file.relative_to(OPERATIONS))
