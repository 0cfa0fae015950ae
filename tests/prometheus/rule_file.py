"""What deploy/prometheus/rules.yaml says, read without a YAML library: it keeps to one shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "prometheus"
RULES = DEPLOY / "rules.yaml"
CONFIG = DEPLOY / "prometheus.yaml"
RUNBOOKS = ROOT / "docs" / "operations" / "alerts"

SECONDS = {"s": 1, "m": 60, "h": 3600}
_RULE = re.compile(r"^      - (alert|record): (\S+)\n(.*?)(?=^      - |^  - |\Z)", re.MULTILINE | re.DOTALL)
_EXPRESSION = re.compile(r"^        expr: \|\n((?:          .*\n)+)", re.MULTILINE)
_DURATION = re.compile(r"(\d+)([smh])\b")

# Taken out of an expression before its metrics are named: texts, label matchers, lists of labels, ranges.
_NOT_METRICS = re.compile(r'"[^"]*"|\{[^}]*\}|\b(?:by|on|without|ignoring) \([^)]*\)|\[[^\]]*\]')
_WORD = re.compile(r"(?<![\w:.])[a-zA-Z_][\w:]*(?![\w:]*\s*\()")
_KEYWORDS = frozenset({"and", "or", "unless", "bool", "offset"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; an alert has a severity and a runbook. `for_s`: how long its condition holds until it fires."""

    name: str
    is_alert: bool
    expression: str
    for_s: int
    severity: str
    runbook: str


def rules(text: str | None = None) -> list[Rule]:
    """Every rule, in order."""
    return [_rule(kind, name, body) for kind, name, body in _RULE.findall(text or RULES.read_text())]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if rule.is_alert]


def metrics_of(expression: str) -> set[str]:
    """The names of the series that an expression reads."""
    words: list[str] = _WORD.findall(_NOT_METRICS.sub(" ", expression))
    return {word for word in words if word not in _KEYWORDS}


def seconds(duration: str) -> int:
    """`1h`, `90s`."""
    (found,) = _DURATION.findall(duration)
    return int(found[0]) * SECONDS[found[1]]


def _rule(kind: str, name: str, body: str) -> Rule:
    expression = _EXPRESSION.search(body)
    assert expression, f"{name} has no expression of the usual shape"
    return Rule(
        name=name,
        is_alert=kind == "alert",
        expression=expression.group(1),
        for_s=next((seconds(value) for value in _values("for", body)), 0),
        severity=next(_values("severity", body), ""),
        runbook=next(_values("runbook", body), ""),
    )


def _values(key: str, body: str) -> Iterator[str]:
    yield from re.findall(rf"^ +{key}: (\S+)$", body, re.MULTILINE)
