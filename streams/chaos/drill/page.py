"""A drill as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from streams.chaos.checker.evidence import VALID
from streams.chaos.drill.alert import ALERT
from streams.chaos.drill.outage import Result


def page(result: Result) -> str:
    """What happened when, what came of it, and everything that is not as it must be."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield "# Outage drill: ledger down\n"
    yield "Everything went as it must.\n" if result.is_good else "**Not everything went as it must; see the end.**\n"
    yield "| when (UTC) | after | what |\n| --- | --- | --- |"
    began_at = result.moments[0][1]
    for what, at in result.moments:
        yield f"| {at:%Y-%m-%d %H:%M:%S} | {(at - began_at).total_seconds():.1f} s | {what} |"
    yield f"\nWhether {ALERT} fires was told by {result.alert_told_by}.\n"
    yield "| commands | |\n| --- | --- |"
    for what, count in _figures(result).items():
        yield f"| {what} | {count} |"
    if not result.is_good:
        yield "\n## Not as it must be\n"
        yield from (f"- {text}" for text in result.late)
        yield from (f"- {violation}" for violation in result.violations)


def _figures(result: Result) -> dict[str, int]:
    rows, statuses = result.evidence.rows, Counter(row.status for row in result.evidence.rows)
    valid = Counter(each.arguments for each in result.evidence.transactions if each.code == VALID)
    return {
        "inserted": len(result.evidence.ends),
        "open at most at one time": result.most_open,
        "committed": statuses["COMMITTED"],
        "failed": statuses["FAILED"],
        "lost (no row, or no end)": len(result.evidence.ends) - len(rows) + _without_end(statuses),
        "on the ledger twice": sum(count - 1 for count in valid.values()),
    }


def _without_end(statuses: Counter[str]) -> int:
    return sum(count for status, count in statuses.items() if status not in ("COMMITTED", "FAILED"))
