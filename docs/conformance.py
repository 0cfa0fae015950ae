"""`python -m docs.conformance`: run the ledger's contract on every kind of ledger and write what each did.

docs/ledger-conformance.md has every row of the catalogue and every case, and a column per ledger. It is written only
when nothing failed and everything was run on the real network too, but for what says by name why not: a page that
compares the simulator with nothing would prove nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from docs.catalogue import Row, read_catalogue
from docs.conformance_page import complaints, page
from docs.contract_results import LEDGERS, Results, read
from streams.errors import StackFailed
from streams.local.fabric.programs import find_programs

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "ledger-conformance.md"
CONTRACT = (
    "tests/contract/test_ledger_simulator.py",
    "tests/contract/test_ledger_native.py",
    "tests/contract/test_ledger_native_parts.py",
    "tests/contract/test_ledger_failover.py",
    "tests/contract/test_ledger_renewal.py",
)
OFFICIAL_CLIENTS = "tests/contract/official_clients"


def main() -> int:
    """0 and the page when all is well; otherwise 1, what is wrong, and no page."""
    try:
        version = fabric_version()
    except StackFailed as missing:
        print(f"docs.conformance: {missing}", file=sys.stderr)
        return 1
    rows = read_catalogue(LEDGERS)
    results = run(rows)
    wrong = complaints(results, rows)
    if wrong:
        print("docs.conformance: nothing is written:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    PAGE.write_text(page(results, rows, datetime.now(UTC), version))
    print(PAGE.name)
    return 0


def run(rows: Sequence[Row]) -> Results:
    """Run the contract, the official clients, and what else shows a row of the catalogue."""
    contract = {Path(file).name for file in CONTRACT}
    shown = dict.fromkeys(f"tests/{test}" for row in rows for test in row.on["simulator"].tests)
    others = [test for test in shown if test.partition("::")[0].rpartition("/")[2] not in contract]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        argv = [sys.executable, "-m", "pytest", *CONTRACT, OFFICIAL_CLIENTS, *others, f"--junitxml={report}"]
        subprocess.run(argv, cwd=ROOT, check=False)
        return read(ET.parse(report).getroot())  # noqa: S314  written by our own pytest a moment ago


def fabric_version() -> str:
    """Of the programs that the real network is made of. Raises StackFailed when there are none."""
    said = subprocess.run([find_programs()["peer"], "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Version: v?(\S+)", said)
    return found[1] if found else "of unknown version"


if __name__ == "__main__":
    sys.exit(main())
