"""`streams drill`: an outage on purpose, on the line that runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.output import stderr, stdout
from streams.cli.where import LOCAL, load_here
from streams.errors import PipelineError, StackFailed
from streams.local.paths import LocalPaths
from streams.local.targets import TARGETS, read_targets
from streams.routes.table import load_routes
from streams.settings import ToolSettings
from streams.simulator.config import CONTROL_FILE

drill = typer.Typer(help="An outage on purpose, to see what happens and to practise.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(drill, name="drill")


@drill.callback()
def group() -> None:
    """An outage on purpose, to see what happens and to practise."""


@drill.command("ledger-down")
def ledger_down(
    minutes: Annotated[float, typer.Option(min=0, help="How long the ledger is away at least.")] = 5.0,
    seconds: Annotated[float | None, typer.Option(min=1, help="The same in seconds, for a short one.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Commands inserted per second meanwhile.")] = 2.0,
    prometheus: Annotated[
        str | None,
        typer.Option(help="URL of a Prometheus that watches; else the alert's expression is evaluated here."),
    ] = None,
    to: Annotated[Path | None, typer.Option("--report", help="Write the report into this file.")] = None,
) -> None:
    """Take the ledger of the line here away while commands are inserted, until an alert fires; give it back.

    Then every command must come to its end, once, and the alert resolve. Needs a line of `streams up` with the
    simulator. Without a Prometheus, an outage of less than 10 minutes lets the alert fire after half of it.

    Example: streams drill ledger-down --minutes 5 --report drill.md
    """
    from streams.chaos.drill.alert import FOR_S, AskedOfPrometheus, Evaluated
    from streams.chaos.drill.line import drill_on
    from streams.chaos.drill.outage import Options
    from streams.chaos.drill.page import page

    settings, away_s = load_here(ToolSettings), seconds if seconds is not None else minutes * 60
    state = LocalPaths.under(LOCAL).state
    control = state / "ledger" / CONTROL_FILE
    if not control.exists():
        raise StackFailed(f"there is no {control}: bring a line up here first, with streams up and the simulator")
    targets = read_targets(state / TARGETS)
    alert = AskedOfPrometheus(prometheus) if prometheus else Evaluated(targets, min(FOR_S, away_s / 2))
    identities = list(load_routes(settings.routes).identities)
    options = Options(seconds=away_s, rate=rate, identities=identities)
    result = drill_on(settings, control, alert, options, _tell).run()
    text = page(result)
    if to is not None:
        to.write_text(text)
    stdout.print(text, markup=False)
    if not result.is_good:
        raise PipelineError(f"{len(result.violations)} violations; {'; '.join(result.late) or 'all came in time'}")


def _tell(text: str) -> None:
    stderr.print(f"  {text}", markup=False)
