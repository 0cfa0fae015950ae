"""Writes the documents that are made from the code, or checks that they are up to date.

python -m docs.generate            writes them
python -m docs.generate --check    exit code 1, and the name of each that differs, if any does
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from docs import commands, configuration, dashboards, metrics

FOLDER = Path(__file__).resolve().parent

PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration.page,
    "commands.md": commands.page,
    "metrics.md": metrics.page,
    **dashboards.pages(),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 if a page is not what the code says."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description="Documents made from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    if parser.parse_args(arguments).check:
        out_of_date = sum(_is_out_of_date(name, page()) for name, page in PAGES.items())
        return 1 if out_of_date else 0
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")
    return 0


def _is_out_of_date(name: str, page: str) -> bool:
    file = FOLDER / name
    found = file.read_text(encoding="utf-8") if file.exists() else ""
    if found == page:
        return False
    changes = difflib.unified_diff(found.splitlines(), page.splitlines(), "as it is", "as it must be", lineterm="", n=0)
    print(f"docs/{name} is not what the code says; run: make docs", *changes, sep="\n", file=sys.stderr)
    return True


if __name__ == "__main__":
    sys.exit(main())
