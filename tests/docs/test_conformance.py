"""The conformance page: what is read of a run, when there must be no page, and that the page is of today's cases."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docs import conformance
from docs.catalogue import Row, Shown, read_catalogue
from docs.conformance_page import complaints, equal, page
from docs.contract_results import LEDGERS, Results, case_of, read
from streams.errors import StackFailed

SPARED = "a real network is spared, as it stops the gateway"
REPORT = f"""
<testsuites><testsuite>
  <testcase classname="tests.contract.test_ledger_simulator.TestSimulatedLedger" name="test_it_commits"/>
  <testcase classname="tests.contract.test_ledger_native.TestNativeLedger" name="test_it_commits"/>
  <testcase classname="tests.contract.test_ledger_renewal" name="test_it_renews[simulator]"/>
  <testcase classname="tests.contract.test_ledger_renewal" name="test_it_renews[native]"><failure/></testcase>
  <testcase classname="tests.contract.test_ledger_simulator.TestSimulatedLedger" name="test_it_stops">
    <properties><property name="native" value="{SPARED}"/></properties>
  </testcase>
  <testcase classname="tests.contract.test_ledger_native.TestNativeLedger" name="test_it_stops">
    <skipped message="{SPARED}"/>
  </testcase>
  <testcase classname="tests.contract.official_clients.test_official_clients" name="test_x[native-go-ask]">
    <error/>
  </testcase>
  <testcase classname="tests.integration.test_simulator_faults" name="test_it_is_late[a]"/>
  <testcase classname="tests.integration.test_simulator_faults" name="test_it_is_late[b]"><failure/></testcase>
</testsuite></testsuites>
"""
WELL = Results(
    cases={
        "it commits": {"simulator": "passed", "native": "passed"},
        "it stops": {"simulator": "passed", "native": f"not run: {SPARED}"},
    },
    tests={"integration/test_a.py::test_b": "passed"},
)
ROW = Row(
    section="good_path",
    name="a commit",
    on={
        "simulator": Shown(tests=["integration/test_a.py::test_b"]),
        "native": Shown(tests=["contract/ledger_contract.py::test_it_commits"]),
    },
)


def with_case(**became: str) -> Results:
    return Results(cases={**WELL.cases, "another": became}, tests=WELL.tests)


def test_a_report_is_read_by_case_and_ledger() -> None:
    results = read(ET.fromstring(REPORT))
    assert results.cases == {
        "it commits": {"simulator": "passed", "native": "passed"},
        "it renews": {"simulator": "passed", "native": "failed"},
        "it stops": {"simulator": "passed", "native": f"not run: {SPARED}"},
        "official client: x (go-ask)": {"native": "failed"},
    }
    assert results.tests["integration/test_simulator_faults.py::test_it_is_late"] == "failed"
    assert results.tests["contract/test_ledger_renewal.py::test_it_renews"] == "failed"


def test_two_cases_of_one_name_are_refused() -> None:
    case = '<testcase classname="tests.contract.test_ledger_native.A" name="test_x"/>'
    with pytest.raises(ValueError, match="two cases are called 'x'"):
        read(ET.fromstring(f"<testsuite>{case}{case.replace('.A', '.B')}</testsuite>"))


@pytest.mark.parametrize(
    ("by_ledger", "answer"),
    [
        ({"simulator": "passed", "native": "passed"}, "yes"),
        ({"simulator": "passed", "native": "failed"}, "no"),
        ({"simulator": "failed", "native": "failed"}, "no"),
        ({"simulator": "not run: a", "native": "not run: a"}, "on neither"),
        ({"simulator": "passed", "native": "not run: a"}, "only simulator"),
        ({"native": "passed"}, "only native"),
        ({}, "on neither"),
    ],
)
def test_equal_is_only_what_passed_on_both(by_ledger: dict[str, str], answer: str) -> None:
    assert equal(by_ledger) == answer


def test_there_is_nothing_against_a_page_when_all_is_well() -> None:
    assert complaints(WELL, [ROW]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        with_case(simulator="passed", native="failed"),
        with_case(simulator="failed", native="passed"),
        with_case(simulator="passed"),
        with_case(native="passed"),
        with_case(simulator="passed", native="not run: the programs are missing"),
        Results(cases={}, tests=WELL.tests),
    ],
)
def test_what_failed_or_was_not_run_without_a_reason_is_in_the_way_of_a_page(wrong: Results) -> None:
    assert complaints(wrong, []) != []


@pytest.mark.parametrize(
    ("ledger", "test"),
    [
        ("simulator", "integration/test_a.py::test_that_was_not_run"),
        ("native", "contract/ledger_contract.py::test_it_stops"),
        ("native", "contract/official_clients/expectations/refusals.json::unknown"),
    ],
)
def test_a_row_whose_test_did_not_run_is_in_the_way_of_a_page(ledger: str, test: str) -> None:
    row = Row(section=ROW.section, name=ROW.name, on={**ROW.on, ledger: Shown(tests=[test])})
    (complaint,) = complaints(WELL, [row])
    assert complaint.startswith(f"good_path: a commit: {ledger}: not run: ")


def test_the_page_has_every_row_and_every_case() -> None:
    reasoned = Row(section="parts", name="a leader", on={**ROW.on, "native": Shown(reason="it is too quick")})
    text = page(WELL, [ROW, reasoned], datetime(2026, 1, 2, tzinfo=UTC), "2.5")
    assert "on 2026-01-02 with Hyperledger Fabric 2.5." in text
    assert "| a commit | test_a.py: b: passed | ledger_contract.py: it commits: passed | yes |" in text
    assert "### Parts\n" in text
    assert "| a leader | test_a.py: b: passed | not run: it is too quick | only simulator |" in text
    assert "| it commits | passed | passed | yes |" in text
    assert f"| it stops | passed | not run: {SPARED} | only simulator |" in text


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(conformance, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(conformance, "fabric_version", lambda: "2.5")
    monkeypatch.setattr(conformance, "read_catalogue", lambda _: [ROW])
    return tmp_path / "page.md"


def test_the_page_is_written_when_all_is_well(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "run", lambda _: WELL)
    assert conformance.main() == 0
    assert written.read_text().startswith("# Ledger conformance\n")


def test_no_page_is_written_when_a_case_failed(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conformance, "run", lambda _: with_case(simulator="passed", native="failed"))
    assert conformance.main() == 1
    assert not written.exists()
    assert "another: native: failed" in capsys.readouterr().err


def test_nothing_is_run_without_the_programs_of_a_real_network(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> str:
        raise StackFailed("no orderer")

    monkeypatch.setattr(conformance, "fabric_version", missing)
    monkeypatch.setattr(conformance, "run", lambda _: pytest.fail("was run"))
    assert conformance.main() == 1
    assert (written.exists(), "no orderer" in capsys.readouterr().err) == (False, True)


def rows_of_page(heading: str) -> set[str]:
    """First cells below a heading, up to the next one of its level."""
    text = conformance.PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {cells[0] for line in text.splitlines() if (cells := re.findall(r"\| (.*?) (?=\|)", line))} - {
        "row",
        "case",
        "---",
    }


def test_the_page_has_the_rows_of_the_catalogue_of_today() -> None:
    assert rows_of_page("What was measured") == {row.name for row in read_catalogue(LEDGERS)}


def test_the_page_has_the_cases_that_are_collected_today() -> None:
    argv = [sys.executable, "-m", "pytest", "--collect-only", *conformance.CONTRACT]
    collected = subprocess.run(argv, cwd=conformance.ROOT, capture_output=True, text=True, check=True).stdout
    nodes = [line.partition("::") for line in collected.splitlines() if "::" in line]
    named = {case_of(file.removesuffix(".py"), test.rpartition("::")[2]) for file, _, test in nodes}
    tables = (conformance.ROOT / conformance.OFFICIAL_CLIENTS / "expectations").glob("*.json")
    official = {
        f"{client}-{case}" for table in tables for case in json.loads(table.read_text()) for client in ("go", "node")
    }
    sentence = "official client: an official client is answered as by a real peer"
    assert rows_of_page("Cases") == {name for name, ledger in named if ledger} | {
        f"{sentence} ({one})" for one in official
    }
