"""What became of the contract's cases: a JUnit report, taken apart."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEDGERS = ("simulator", "native")
PASSED, FAILED, NOT_RUN = "passed", "failed", "not run: "

SPARED = {
    "needs_simulator": ("native", "a real network is spared, as "),
    "needs_network": ("simulator", "the simulator has no such parts: "),
}
"""Marker of a case -> the ledger that it is not for, and how the reason begins."""

_OFFICIAL = "official client: "
_OFFICIAL_TEST = "an official client is answered as by a real peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`cases`: case -> ledger -> passed, failed, or `not run: ` and why. `tests`: FILE::TEST below tests/ -> the same.

    A test is listed once, with the worst that became of it under any parameter.
    """

    cases: Mapping[str, Mapping[str, str]]
    tests: Mapping[str, str]

    def of_test(self, test: str, ledger: str) -> Sequence[str]:
        """What became on a ledger of the cases that come of a test, or of a case of the official clients."""
        file, _, name = test.partition("::")
        if file.endswith(".json"):
            pattern = rf"{_OFFICIAL}{_OFFICIAL_TEST} \(\w+-{name}\)"
        else:
            pattern = rf"{re.escape(words(name))}( \(.*\))?"
        return [by[ledger] for case, by in self.cases.items() if re.fullmatch(pattern, case) and ledger in by]


def read(report: ET.Element) -> Results:
    """The results in a report. Raises ValueError when two cases have the same name."""
    cases: dict[str, dict[str, str]] = defaultdict(dict)
    spared: dict[str, dict[str, str]] = defaultdict(dict)
    tests: dict[str, str] = {}
    for case in report.iter("testcase"):
        module, name, became = case.get("classname", ""), case.get("name", ""), _became(case)
        test = f"{_file(module)}::{name.partition('[')[0]}"
        tests[test] = worst([became, tests.get(test, PASSED)])
        named, ledger = case_of(module, name)
        if ledger is None:
            continue
        if ledger in cases[named]:
            raise ValueError(f"two cases are called {named!r}")
        cases[named][ledger] = became
        for given in case.iter("property"):
            spared[named][given.get("name", "")] = NOT_RUN + given.get("value", "")
    return Results(cases={name: spared[name] | by_ledger for name, by_ledger in cases.items()}, tests=tests)


def case_of(module: str, name: str) -> tuple[str, str | None]:
    """(words of the case, ledger); a ledger is named by the module or by the test's parameter."""
    where = _OFFICIAL if "official_clients" in module else ""
    found = next((ledger for ledger in LEDGERS if f"test_ledger_{ledger}" in module), None)
    rest = "".join(re.findall(r"\[(.*)\]", name))
    for ledger in LEDGERS:
        if found is None and re.search(rf"(^|-){ledger}(-|$)", rest):
            found, rest = ledger, re.sub(rf"(^|-){ledger}(-|$)", r"\1", rest).strip("-")
    return where + words(name.partition("[")[0]) + (f" ({rest})" if rest else ""), found


def words(test: str) -> str:
    """The sentence that a test's name is."""
    return test.removeprefix("test_").replace("_", " ")


def worst(became: Sequence[str]) -> str:
    """Failed before not run before passed; of nothing: not run."""
    if not became:
        return f"{NOT_RUN}there is no such test"
    return min(became, key=lambda one: (one != FAILED, one == PASSED))


def _became(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    skipped = case.find("skipped")
    return PASSED if skipped is None else NOT_RUN + skipped.get("message", "")


def _file(module: str) -> str:
    """The file below tests/ of `tests.<folder>.<module>` or of a class in it."""
    parts = [part for part in module.split(".")[1:] if not part.startswith("Test")]
    return "/".join(parts) + ".py"
