"""Every alert fires in its scenario, nothing else does, and it has a runbook."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import scenarios
from rule_file import CONFIG, ROOT, RULES, RUNBOOKS, Rule, alerts, rules

from streams.local.prometheus import PROMTOOL

SEVERITIES = {"P0", "P1", "P2", "P3"}
HEALTHY, SCENARIOS = scenarios.read()


@pytest.fixture(scope="session")
def tool(prometheus_programs: Mapping[str, Path]) -> Path:
    return prometheus_programs[PROMTOOL]


def promtool(tool: Path, *arguments: str | Path) -> str:
    ran = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_prometheus_takes_the_shipped_configuration(tool: Path) -> None:
    promtool(tool, "check", "config", CONFIG)
    assert f"SUCCESS: {len(rules())} rules found" in promtool(tool, "check", "rules", RULES)


def test_every_alert_has_a_scenario() -> None:
    assert {scenario.alert for scenario in SCENARIOS} == {alert.name for alert in alerts()}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.name))
def test_exactly_the_alert_of_a_scenario_fires(tool: Path, tmp_path: Path, scenario: scenarios.Scenario) -> None:
    file = tmp_path / "test.json"  # every JSON document is a YAML document
    step = f"{scenario.step_s}s"
    tests = [scenarios.promtool_test(HEALTHY, scenario)]
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": step, "tests": tests}))
    promtool(tool, "test", "rules", file)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert.name))
def test_an_alert_has_a_severity_and_a_page(alert: Rule) -> None:
    assert alert.severity in SEVERITIES
    assert ROOT / alert.runbook == RUNBOOKS / f"{alert.name}.md"
    assert (ROOT / alert.runbook).is_file()


def test_every_page_has_an_alert() -> None:
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == {alert.name for alert in alerts()}
