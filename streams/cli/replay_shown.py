"""How plans and replays look; progress bars on standard error, for people only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streams.cli.output import cells, print_json, stderr, stdout, table
from streams.errors import PipelineError
from streams.operations.replay.plan_file import PlanFile
from streams.operations.replay.table_rows import HeldBack
from streams.operations.replay.verdicts import ACTIONS, Verdict
from streams.operators import ReplayProgress, ReplayState

NAMED_ROWS = 20
"""Rows that are named on the terminal; `--json` names all."""


class Bars:
    """One bar for each thing that is read or published, with its rate and the time that remains. A context manager."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.speed:.0f}/s", justify="right"),
            TimeRemainingColumn(),
            console=stderr,
            disable=not stderr.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._progress.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """So much of it is done."""
        if self._progress.disable:
            return
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


def show_plan(plan: PlanFile, published: int, *, include_failed: bool, as_json: bool) -> None:
    """By command type and verdict, with what would be done."""
    if as_json:
        by_type: dict[str, dict[str, int]] = {}
        for (command_type, verdict), count in sorted(plan.counts.items()):
            by_type.setdefault(command_type, {})[verdict] = count
        print_json({"would_publish": published, "records": plan.counts.total(), "by_type": by_type})
        return
    made = table("command type", "verdict", "records", "what --execute does", right=("records",))
    for (command_type, verdict), count in sorted(plan.counts.items()):
        does = "submit again" if verdict == Verdict.FAILED_CURABLE and include_failed else ACTIONS[Verdict(verdict)]
        made.add_row(*cells(command_type or "?", verdict, count, does))
    stdout.print(made)
    stdout.print(f"\n{plan.counts.total()} records; {published} commands would be published.")


def show_table_plan(counts: Mapping[str, int], held_back: Iterator[HeldBack]) -> None:
    """Rows by verdict; and the first of those that are not emitted, with the reason."""
    made = table("verdict", "rows", right=("rows",))
    for verdict, count in counts.items():
        made.add_row(*cells(verdict, count))
    stdout.print(made)
    if named := list(islice(held_back, NAMED_ROWS + 1)):
        rows = table("not emitted", "status", "reason")
        for row in named[:NAMED_ROWS]:
            rows.add_row(*cells(row.command_id, row.status, row.reason))
        stdout.print(rows)
        if len(named) > NAMED_ROWS:
            stdout.print("... and more: --json names them")


def show_progress(replays: Sequence[ReplayProgress], *, as_json: bool) -> None:
    """How far each has come."""
    if as_json:
        print_json(list(replays))
        return
    figures = ("planned", "published", "changed", "gone")
    made = table("replay", "state", *figures, "by", "last heard of", right=figures)
    for one in replays:
        age_s = (datetime.now(UTC) - one.happened_at).total_seconds()
        counts = (one.planned, one.published, one.changed, one.gone)
        made.add_row(*cells(one.replay_id, one.state, *counts, one.by, f"{age_s:.0f} s ago"))
    stdout.print(made)


def refuse_to_call_done(replay: ReplayProgress) -> None:
    """Raises PipelineError if a replay is at its end and has left out commands whose records are gone."""
    if replay.state is ReplayState.FINISHED and replay.gone:
        named = f"{', '.join(replay.gone_ids[:NAMED_ROWS])}{', ...' if replay.gone > NAMED_ROWS else ''}"
        raise PipelineError(
            f"{replay.gone} commands were not published, their records are gone from the topics: {named};"
            " look at each with: streams trace COMMAND_ID"
        )
