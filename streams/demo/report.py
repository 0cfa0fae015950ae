"""What became of the commands: a table per command type, and one of the bad commands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import quantiles

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.demo.run import Sent
from streams.messages import Outcome, OutcomeKind
from streams.routes.table import Routes


def print_report(console: Console, sent: Sent, outcomes: Sequence[Outcome], routes: Routes) -> None:
    """Both tables."""
    console.print(_by_type(sent, outcomes, routes))
    console.print(_bad(sent))


def latencies_ms(sent: Sent, outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """From insert (created_at of the row) to the block's arrival at the worker, by command type."""
    found: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.kind is OutcomeKind.COMMITTED and outcome.command_id in sent.rows:
            row = sent.rows[outcome.command_id]
            found[row.command_type].append((outcome.stages["committed"] - row.created_at).total_seconds() * 1000)
    return found


def percentile(values: Sequence[float], percent: int) -> float:
    """The inclusive percentile; of a single value, that value."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1]


def _by_type(sent: Sent, outcomes: Sequence[Outcome], routes: Routes) -> Table:
    columns = ("command type", "identity", "contract:function", "committed", "failed", "p50 ms", "p99 ms")
    made = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for column in made.columns:
        column.overflow = "fold"
    for column in made.columns[3:]:
        column.justify = "right"
    counts = Counter((row.command_type, row.status) for row in sent.rows.values())
    latencies = latencies_ms(sent, outcomes)
    for command_type in sorted({row.command_type for row in sent.rows.values()}):
        route = routes.routes.get(command_type)
        times = latencies.get(command_type)
        made.add_row(
            command_type,
            route.identity if route else "",
            route.transaction_name if route else "no route",
            _count(counts, command_type, "COMMITTED"),
            _count(counts, command_type, "FAILED"),
            f"{percentile(times, 50):.0f}" if times else "",
            f"{percentile(times, 99):.0f}" if times else "",
        )
    return made


def _count(counts: Mapping[tuple[str, str], int], command_type: str, status: str) -> str:
    return str(counts[command_type, status] or "")


def _bad(sent: Sent) -> Table:
    made = Table("bad command", "code in the row", "text in the row", box=None, header_style="bold", pad_edge=False)
    made.columns[2].overflow = "fold"
    for command_id, planned in sent.planned.items():
        if planned.error_code:
            row = sent.rows[command_id]
            made.add_row(*(escape(text or "") for text in (planned.case, row.error_code, row.error)))
    return made
