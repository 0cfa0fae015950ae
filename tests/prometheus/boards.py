"""The queries of the dashboards."""

from __future__ import annotations

import json

from rule_file import ROOT

DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
LONG_ENOUGH = "30s"


def expressions() -> dict[str, str]:
    """Dashboard, panel and legend -> the query, with Grafana's variables filled in for all identities."""
    return {
        f"{file.stem}: {panel['title']}: {target['legendFormat']}": _filled_in(target["expr"])
        for file in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(file.read_text())["panels"]
        for target in panel.get("targets", ())
    }


def _filled_in(expression: str) -> str:
    return expression.replace("$__rate_interval", LONG_ENOUGH).replace("$identity", ".+")
