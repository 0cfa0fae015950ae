"""What `streams replay` does with what it was told: plan, show, confirm, execute."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import typer

from streams.cli.output import print_json, stderr, stdout
from streams.cli.replay_asked import Asked
from streams.cli.replay_shown import Bars, refuse_to_call_done, show_plan, show_progress, show_table_plan
from streams.errors import PipelineError, SettingsInvalid
from streams.operations.audit import acting
from streams.operations.replay import run
from streams.operations.replay.from_table import TablePlan
from streams.operations.replay.plan import Planner
from streams.operations.replay.plan_file import Plan, PlanFile
from streams.settings import ToolSettings

CONFIRMED_ABOVE = 1000
MOST_HELD_BACK = 100_000
"""Rows that `--json` names."""


def from_topics(settings: ToolSettings, asked: Asked) -> None:
    """Replay records of topics. Raises PipelineError, KafkaException, psycopg.Error."""
    if asked.how.is_executed:
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
        file = asked.plan or _made(settings, asked, asked.export or Path(f"replay-{now}.jsonl"))
        _execute(settings, file, asked)
    elif asked.export is not None:
        _made(settings, asked, asked.export)
    else:
        with tempfile.TemporaryDirectory(prefix="streams-plan-") as folder:
            _made(settings, asked, Path(folder) / "plan.jsonl", is_kept=False)


def _made(settings: ToolSettings, asked: Asked, file: Path, *, is_kept: bool = True) -> Path:
    """Make a plan and show it."""
    made, how = PlanFile(file), asked.how
    asyncio.run(_write(settings, asked, made))
    if not (how.is_executed and how.as_json):
        with Plan(file) as plan:
            show_plan(made, len(plan), include_failed=asked.selection.include_failed, as_json=how.as_json)
    if is_kept:
        stderr.print(f"The plan is {file}", soft_wrap=True)
    return file


async def _write(settings: ToolSettings, asked: Asked, file: PlanFile) -> None:
    with Bars() as bars:
        planner = Planner(settings, asked.selection, bars.tell, is_proof_wanted=asked.how.ask_all)
        with file:
            async for entry in planner.entries():
                file.write(entry)
    file.finish(
        by=acting(settings.operator),
        flags=asked.how.flags,
        include_failed=asked.selection.include_failed,
        results_end=planner.results_end,
    )


def _execute(settings: ToolSettings, file: Path, asked: Asked) -> None:
    pace, how = asked.pace, asked.how
    with Plan(file) as plan:
        count = len(plan) if pace.most is None else min(len(plan), pace.most)
        if count == 0:
            if how.as_json:
                print_json([])
            else:
                stdout.print("Nothing is to be published.")
            return
        confirm(count, how.yes_replay)
        with Bars() as bars:
            done = run.begin(settings, plan, pace, lambda one: bars.tell("publish", one.handled, one.planned))
    show_progress([done], as_json=how.as_json)
    refuse_to_call_done(done)


def confirm(count: int, yes_replay: int | None) -> None:
    """Above 1,000 commands somebody types their number. Raises SettingsInvalid."""
    if count <= CONFIRMED_ABOVE or yes_replay == count:
        return
    if yes_replay is not None:
        raise SettingsInvalid(f"--yes-replay {yes_replay}: the plan would publish {count}")
    if not sys.stdin.isatty():
        raise SettingsInvalid(f"{count} commands would be published: say --yes-replay {count}")
    if typer.prompt(f"{count} commands will be published; type this number to go on", err=True).strip() != str(count):
        raise PipelineError("not confirmed; nothing was published")


def from_table(settings: ToolSettings, asked: Asked) -> None:
    """Have rows emitted that have no event. Raises PipelineError if not every one came."""
    how, most = asked.how, asked.pace.most
    with Bars() as bars, TablePlan(settings, asked.selection, bars.tell) as plan:
        asyncio.run(plan.make())
        counts, emitted = plan.counts(), 0
        wanted = plan.missing if most is None else min(plan.missing, most)
        if not how.as_json:
            show_table_plan(counts, plan.held_back())
        if how.is_executed and wanted:
            confirm(wanted, how.yes_replay)
            emitted = plan.emit(how.flags, most)
        if how.as_json:
            held_back = list(islice(plan.held_back(), MOST_HELD_BACK))
            print_json({"counts": counts, "missing": plan.missing, "emitted": emitted, "held_back": held_back})
        elif how.is_executed:
            stdout.print(f"{emitted} of {wanted} rows have an event now.")
        if how.is_executed and emitted < wanted:
            raise PipelineError("not every row came; is the connector running? see: streams status")
