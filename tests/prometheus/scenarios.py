"""The scenarios of scenarios.toml as test files of `promtool test rules`.

Each is looked at when it begins, shortly before the alert may fire, and when it has lasted. What is compared is the
set of all alerts that fire, so a scenario also shows what stays silent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rule_file import alerts, seconds

STEP_S = 15
"""From one sample, and one evaluation of the rules, to the next."""

BEGINS_S = 600
"""Each scenario has been healthy for so long."""

_FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

Sample = float | str | Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`of` is what differs from the healthy state; `fires` are the alerts that must fire when it has lasted."""

    name: str
    step_s: int
    lasts_s: int
    fires: frozenset[str]
    of: Mapping[str, Sample]

    @property
    def alert(self) -> str:
        """The alert that it is about."""
        return self.name.partition("-")[0]


def read() -> tuple[Mapping[str, Sample], list[Scenario]]:
    """The healthy state, and every scenario."""
    document = tomllib.loads(Path(__file__).with_name("scenarios.toml").read_text())
    healthy = document.pop("healthy")
    return healthy, [_scenario(name, table, healthy) for name, table in document.items()]


def _scenario(name: str, table: Mapping[str, Any], healthy: Mapping[str, Sample]) -> Scenario:
    unknown = table["of"].keys() - healthy.keys()
    assert not unknown, f"{name}: not among the healthy series: {unknown}"
    return Scenario(
        name=name,
        step_s=seconds(table.get("step", f"{STEP_S}s")),
        lasts_s=seconds(table["lasts"]),
        fires=frozenset(table.get("fires", [name])),
        of=table["of"],
    )


def promtool_test(healthy: Mapping[str, Sample], scenario: Scenario) -> dict[str, Any]:
    """One entry of `tests`."""
    step_s = scenario.step_s
    before, after = BEGINS_S // step_s, scenario.lasts_s // step_s + 1
    series = [
        {"series": name, "values": f"{_notation(value, before)} {_then(scenario.of.get(name), value, before, after)}"}
        for name, value in healthy.items()
    ]
    looks = [(BEGINS_S - step_s, frozenset[str]()), (BEGINS_S + scenario.lasts_s, scenario.fires)]
    for_s = next(alert.for_s for alert in alerts() if alert.name == scenario.alert)
    checks = [_look(at_s, names) for at_s, names in looks]
    if for_s:
        checks.append(_silent(BEGINS_S + for_s - step_s, scenario.alert))
    return {"name": scenario.name, "interval": f"{step_s}s", "input_series": series, "promql_expr_test": checks}


def _look(at_s: int, names: frozenset[str]) -> dict[str, Any]:
    counted = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)]
    return {"expr": _FIRING, "eval_time": f"{at_s}s", "exp_samples": counted}


def _silent(at_s: int, name: str) -> dict[str, Any]:
    return {"expr": f'ALERTS{{alertstate="firing",alertname="{name}"}}', "eval_time": f"{at_s}s", "exp_samples": []}


def _then(value: Sample | None, healthy: Sample, before: int, after: int) -> str:
    """The samples from when it begins; a series that does not differ goes on as it was."""
    return _notation(healthy, after, begun=before) if value is None else _notation(value, after)


def _notation(value: Sample, samples: int, begun: int = 0) -> str:
    """`samples` samples as promtool writes them; `begun`: so many came before."""
    if value == "gone":
        return " ".join(["stale", *["_"] * (samples - 1)])
    if isinstance(value, str):
        start, _, rise = value.partition("+")
        return f"{int(start) + int(rise) * begun}+{rise}x{samples - 1}"
    if isinstance(value, Sequence):
        cycle = [str(number) for number, times in value for _ in range(int(times))]
        return " ".join((cycle * (samples // len(cycle) + 1))[:samples])
    return f"{value}+0x{samples - 1}"
