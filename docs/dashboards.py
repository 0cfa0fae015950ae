"""deploy/grafana/panels.toml -> the JSON that Grafana reads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

from streams.files import ROOT

PANELS = ROOT / "deploy" / "grafana" / "panels.toml"

_COLUMNS, _GRAPH, _STAT = 24, (8, 7), (4, 4)
"""Grafana's grid; width and height of a panel."""

_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_SCHEMA = 39  # of dashboards, as Grafana 10 and later write them


def dashboards() -> dict[str, Mapping[str, Any]]:
    """What panels.toml says, by file name without its ending."""
    return {table["file"]: table for table in tomllib.loads(PANELS.read_text(encoding="utf-8"))["dashboard"]}


def pages() -> dict[str, Callable[[], str]]:
    """The files to make, relative to docs/."""
    return {
        f"../deploy/grafana/dashboards/{name}.json": partial(_page, name, table) for name, table in dashboards().items()
    }


def _page(name: str, table: Mapping[str, Any]) -> str:
    document = {
        "uid": f"outbox-{name}",
        "title": table["title"],
        "tags": ["outbox"],
        "editable": False,
        "schemaVersion": _SCHEMA,
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_variable(table["variable"])] if "variable" in table else []},
        "links": [{"type": "dashboards", "tags": ["outbox"], "title": "Outbox", "asDropdown": False}],
        "panels": list(_panels(table)),
    }
    return json.dumps(document, indent=2) + "\n"


def _variable(variable: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": variable["name"],
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": variable["query"], "refId": "A"},
        "refresh": 2,  # with every change of the time range
        "includeAll": True,
        "multi": True,
    }


def _panels(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows below each other; within a row from left to right, and on to the next line when it is full."""
    ids, y = count(1), 0
    for row in table["row"]:
        yield {
            "id": next(ids),
            "type": "row",
            "title": row["title"],
            "gridPos": _place(0, y, _COLUMNS, 1),
            "panels": [],
        }
        y, x, height = y + 1, 0, 0
        for panel in row["panels"]:
            width, tall = _STAT if _is_stat(panel) else _GRAPH
            if x + width > _COLUMNS:
                y, x, height = y + height, 0, 0
            yield _panel(next(ids), panel, _place(x, y, width, tall))
            x, height = x + width, max(height, tall)
        y += height


def _panel(number: int, panel: Mapping[str, Any], place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "stat" if _is_stat(panel) else "timeseries",
        "title": panel["title"],
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for place, (legend, expression) in enumerate(panel["queries"].items())
        ],
    }


def _is_stat(panel: Mapping[str, Any]) -> bool:
    return panel.get("kind") == "stat"


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}
