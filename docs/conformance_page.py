"""docs/ledger-conformance.md: every row of the catalogue and every case of the contract, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from docs.catalogue import Row
from docs.contract_results import FAILED, LEDGERS, NOT_RUN, PASSED, SPARED, Results, words, worst

HEAD = ("simulator", "native", "equal?")


def complaints(results: Results, rows: Sequence[Row]) -> list[str]:
    """Why there must be no page: what failed, and what was not run without a reason that is named."""
    named = tuple(NOT_RUN + because for _, because in SPARED.values())
    wrong = [
        f"{case}: {ledger}: {by_ledger.get(ledger, 'not run')}"
        for case, by_ledger in results.cases.items()
        for ledger in LEDGERS
        if by_ledger.get(ledger) != PASSED and not by_ledger.get(ledger, "").startswith(named)
    ]
    if not results.cases:
        wrong.append("no case was run")
    for row in rows:
        for ledger in LEDGERS:
            became = row_on(results, row, ledger)
            if became != PASSED and not row.on[ledger].reason:
                wrong.append(f"{row.section}: {row.name}: {ledger}: {became}")
    return wrong


def row_on(results: Results, row: Row, ledger: str) -> str:
    """What became of a row on a ledger: the worst of its tests, or the reason why it has none."""
    shown = row.on[ledger]
    if shown.reason:
        return NOT_RUN + shown.reason
    return worst([_test_on(results, test, ledger) for test in shown.tests])


def _test_on(results: Results, test: str, ledger: str) -> str:
    """A test of the contract has cases per ledger; any other one is of a single ledger."""
    return results.tests[test] if test in results.tests else worst(results.of_test(test, ledger))


def equal(by_ledger: Mapping[str, str]) -> str:
    """Whether both ledgers passed; what one did not run is only the other's."""
    ran = [ledger for ledger in LEDGERS if by_ledger.get(ledger, NOT_RUN) in {PASSED, FAILED}]
    if len(ran) == len(LEDGERS):
        return "yes" if all(by_ledger[ledger] == PASSED for ledger in LEDGERS) else "no"
    return f"only {ran[0]}" if ran else "on neither"


def page(results: Results, rows: Sequence[Row], at: datetime, version: str) -> str:
    """The page in Markdown."""
    by_row = {(row.section, row.name): {ledger: row_on(results, row, ledger) for ledger in LEDGERS} for row in rows}
    lines = [
        "# Ledger conformance",
        "",
        f"Made by `make ledger-conformance` on {at:%Y-%m-%d} with Hyperledger Fabric {version}.",
        f"What was measured on a real network: {_count(list(by_row.values()))}.",
        f"The contract and the official clients: {_count(list(results.cases.values()))}.",
        "",
        "## What was measured",
        "",
        "Every test holds its ledger to the answer that was measured. What the real network's column takes from a",
        "contract or from the official clients has run on the simulator too, and is among the cases below.",
    ]
    for section in dict.fromkeys(row.section for row in rows):
        lines += ["", f"### {words(section).capitalize()}", "", *_head("row")]
        lines += [_row_line(results, row, by_row[row.section, row.name]) for row in rows if row.section == section]
    lines += ["", "## Cases", "", *_head("case")]
    lines += [
        _line(name, *(by_ledger.get(ledger, "") for ledger in LEDGERS), equal(by_ledger))
        for name, by_ledger in sorted(results.cases.items())
    ]
    return "\n".join(lines) + "\n"


def _count(found: Sequence[Mapping[str, str]]) -> str:
    answers = [equal(by_ledger) for by_ledger in found]
    counted = {answer: answers.count(answer) for answer in ("yes", "no", *(f"only {one}" for one in LEDGERS))}
    return (
        f"{len(answers)}, of which {counted['yes']} are equal on both, {counted['no']} differ, "
        f"{counted['only simulator']} were shown only on the simulator and {counted['only native']} only on the real "
        f"network, {answers.count('on neither')} on neither, each with its reason"
    )


def _row_line(results: Results, row: Row, became: Mapping[str, str]) -> str:
    cells = ["; ".join(_shown(results, row, ledger)) or became[ledger] for ledger in LEDGERS]
    return _line(row.name, *cells, equal(became))


def _shown(results: Results, row: Row, ledger: str) -> Iterator[str]:
    for test in row.on[ledger].tests:
        file, _, name = test.partition("::")
        where = "official clients" if file.endswith(".json") else file.rpartition("/")[2]
        yield f"{where}: {words(name)}: {_test_on(results, test, ledger)}"


def _head(first: str) -> list[str]:
    return [_line(first, *HEAD), _line(*("---" for _ in (first, *HEAD)))]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
