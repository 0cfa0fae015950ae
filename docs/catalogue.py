"""What was measured on a real network, row by row, and what shows it: tests/contract/simulator_catalogue.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "tests" / "contract" / "simulator_catalogue.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How one kind of ledger shows a row: `tests`, each FILE::TEST below tests/, or `reason`, why it cannot."""

    tests: Sequence[str] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured behaviour. `on`: ledger -> how it shows it."""

    section: str
    name: str
    on: Mapping[str, Shown]


def read_catalogue(ledgers: Sequence[str], file: Path = FILE) -> list[Row]:
    """Every row, in the order of the file."""
    return [
        Row(section=section, name=name, on={ledger: _shown(fields, ledger) for ledger in ledgers})
        for section, rows in tomllib.loads(file.read_text()).items()
        for name, fields in rows.items()
    ]


def _shown(fields: Mapping[str, object], ledger: str) -> Shown:
    tests, reason = fields.get(ledger, []), fields.get(f"no_{ledger}", "")
    if not isinstance(tests, list) or not isinstance(reason, str):
        raise ValueError(f"{ledger} is a list of tests, no_{ledger} a text")
    return Shown(tests=tuple(str(test) for test in tests), reason=reason)
