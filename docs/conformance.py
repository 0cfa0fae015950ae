"""`python -m docs.conformance`: run the ledger's contract on every kind of ledger and write what each did.

docs/ledger-conformance.md has a row per case and a column per ledger. It is written only when the real network was
run: a page that compares the simulator with nothing would prove nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from streams.errors import StackFailed
from streams.local.fabric.programs import find_programs

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "ledger-conformance.md"
SUITE = (
    "tests/contract/test_ledger_simulator.py",
    "tests/contract/test_ledger_native.py",
    "tests/contract/official_clients",
)
LEDGERS = ("simulator", "native")
NOT_RUN = "not run: "

Results = Mapping[str, Mapping[str, str]]
"""Case -> ledger -> what became of it: passed, failed, or `not run: ` and why."""


def main() -> int:
    """0 and the page when every case ran and passed on both; 1 and no page when the real network was not run."""
    try:
        find_programs()
    except StackFailed as missing:
        print(f"docs.conformance: nothing is run: {missing}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run([sys.executable, "-m", "pytest", *SUITE, f"--junitxml={report}"], cwd=ROOT, check=False)
        results = read(ET.parse(report).getroot())  # noqa: S314  written by our own pytest a moment ago
    if not any(by_ledger.get("native") == "passed" for by_ledger in results.values()):
        print("docs.conformance: the real network was not run; nothing is written. Set FABRIC_BIN.", file=sys.stderr)
        return 1
    PAGE.write_text(page(results, datetime.now(UTC)))
    print(PAGE.relative_to(ROOT))
    return int(any("failed" in by_ledger.values() for by_ledger in results.values()))


def read(report: ET.Element) -> Results:
    """The results in a JUnit report."""
    results: dict[str, dict[str, str]] = defaultdict(dict)
    for case in report.iter("testcase"):
        name, ledger = _case(case.get("classname", ""), case.get("name", ""))
        if ledger is None:
            continue
        results[name][ledger] = _became(case)
    return results


def _became(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    return "passed" if skipped is None else NOT_RUN + skipped.get("message", "").replace("|", "/")


def _ran(by_ledger: Mapping[str, str]) -> set[str]:
    return {ledger for ledger, became in by_ledger.items() if not became.startswith(NOT_RUN)}


def _case(module: str, name: str) -> tuple[str, str | None]:
    """(words of the case, ledger); a ledger is named by the module or by the test's parameter."""
    where = "official client: " if "official_clients" in module else ""
    parameters = re.findall(r"\[(.*)\]", name)
    found = next((ledger for ledger in LEDGERS if f"test_ledger_{ledger}" in module), None)
    rest = "".join(parameters)
    for ledger in LEDGERS:
        if found is None and re.search(rf"(^|-){ledger}(-|$)", rest):
            found, rest = ledger, re.sub(rf"(^|-){ledger}(-|$)", r"\1", rest).strip("-")
    words = name.partition("[")[0].removeprefix("test_").replace("_", " ")
    return where + words + (f" ({rest})" if rest else ""), found


def page(results: Results, at: datetime) -> str:
    """The page in Markdown."""
    both = sum(1 for by_ledger in results.values() if _ran(by_ledger) == set(LEDGERS))
    equal = sum(1 for by_ledger in results.values() if _equal(by_ledger) == "yes")
    lines = [
        "# Ledger conformance",
        "",
        f"Made by `make ledger-conformance` on {at:%Y-%m-%d} with Hyperledger Fabric {_fabric_version()}.",
        f"{both} cases ran on both, {equal} of them with the same result. A case that only one ledger has",
        "tests what the other cannot show: a fault that would break a network, or a process that the simulator lacks.",
        "",
        "| case | simulator | native | equal? |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {by_ledger.get('simulator', '')} | {by_ledger.get('native', '')} | {_equal(by_ledger)} |"
            for name, by_ledger in sorted(results.items())
        ),
    ]
    return "\n".join(lines) + "\n"


def _fabric_version() -> str:
    said = subprocess.run([find_programs()["peer"], "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Version: v?(\S+)", said)
    return found[1] if found else "of unknown version"


def _equal(by_ledger: Mapping[str, str]) -> str:
    ran = _ran(by_ledger)
    if ran < set(LEDGERS):
        return f"only {''.join(ran)}" if ran else "on neither"
    return "yes" if len(set(by_ledger.values())) == 1 and "failed" not in by_ledger.values() else "no"


if __name__ == "__main__":
    sys.exit(main())
