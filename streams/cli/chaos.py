"""`streams chaos`: the proof by killing."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from streams.chaos.audited_line import chaos_line
from streams.chaos.findings import ChaosOptions
from streams.chaos.report import report, violations_in_words
from streams.chaos.run import Run
from streams.cli.output import stderr, stdout
from streams.cli.where import LOCAL
from streams.demo.run import fresh
from streams.errors import PipelineError
from streams.local.paths import LocalPaths
from streams.local.signals import ending_as_interrupt
from streams.settings import UpSettings, load

SECONDS_PER_KILL = 3.0


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(chaos)


def chaos(
    kills: Annotated[int, typer.Option(min=0, help="How many processes are killed.")] = 40,
    seconds: Annotated[float | None, typer.Option(min=1, help="For how long; default: 3 s per kill.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides what happens when; default: a new one.")] = None,
    rate: Annotated[
        float, typer.Option(min=0.1, help="Commands inserted per second, fewer while 500 have no end.")
    ] = 15.0,
    to: Annotated[Path | None, typer.Option("--report", help="Write the report into this file.")] = None,
) -> None:
    """Kill every part of a line of its own again and again, under load, and prove that nothing is lost or doubled.

    Exit code 0 only if the rows and the ledger's blocks agree in everything.

    Example: streams chaos --kills 20 --seed 7
    """
    load(UpSettings)
    options = ChaosOptions(
        seed=secrets.randbelow(10**6) if seed is None else seed,
        kills=kills,
        seconds=seconds or max(1.0, kills * SECONDS_PER_KILL),
        rate=rate,
    )
    folder = (LOCAL / "chaos").resolve()
    fresh(folder)
    usual = LocalPaths.under(LOCAL)
    paths = LocalPaths(state=folder / "state", jars=usual.jars, logs=usual.logs / "chaos")
    with ending_as_interrupt(), chaos_line(paths, _tell) as line:
        line.start()
        findings = Run(line, options, _tell).run()
    page = report(findings)
    if to is not None:
        to.write_text(page)
    stdout.print(page, markup=False)
    if findings.violations:
        raise PipelineError("\n".join(violations_in_words(findings)))


def _tell(text: str) -> None:
    stderr.print(f"  {text}", markup=False)
