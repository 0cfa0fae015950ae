"""`streams demo`: the whole line, once through."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from streams.cli.output import stderr, stdout
from streams.cli.where import LOCAL
from streams.demo.proof import prove
from streams.demo.run import add_unknown_type, fresh
from streams.errors import PipelineError
from streams.local.ledgers import NATIVE, SIMULATOR, LedgerOptions, require
from streams.local.line import Line, LineOptions
from streams.local.paths import LocalPaths
from streams.local.signals import ending_as_interrupt
from streams.settings import UpSettings, load


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(demo)


LEDGERS = (SIMULATOR, NATIVE)
"""Those that start empty, so that everything on them can be accounted for."""


def demo(
    ledger: Annotated[str, typer.Option(help=f"One of {', '.join(LEDGERS)}.")] = SIMULATOR,
) -> None:
    """Start a line of its own, send real commands through it, and prove what became of each.

    Exit code 0 only if every row has the status it must have and the ledger agrees.

    Example: streams demo
    """
    load(UpSettings)
    if ledger not in LEDGERS:
        raise typer.BadParameter(f"{ledger!r} is not one of {', '.join(LEDGERS)}", param_hint="--ledger")
    require(ledger)
    began_at = time.monotonic()
    folder = (LOCAL / "demo").resolve()
    fresh(folder)
    usual = LocalPaths.under(LOCAL)
    paths = LocalPaths(state=folder / "state", jars=usual.jars, logs=usual.logs / "demo")
    options = LineOptions(
        ledger=LedgerOptions(kind=ledger),
        prepare=add_unknown_type,
        notice=lambda text: stderr.print(f"  {text}", markup=False),
    )
    with ending_as_interrupt(), Line(paths, options) as line:
        line.start()
        problems = asyncio.run(prove(line, stdout))
        seconds = time.monotonic() - began_at
    if problems:
        raise PipelineError("\n".join(problems))
    stdout.print(f"\nEvery row and the ledger are as they must be. {seconds:.0f} s in all.")
