"""`streams worker route`, `streams worker submit`, `streams sink`: the processes of the line, in the foreground."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.where import load_here
from streams.settings import RouteSettings, SinkSettings, SubmitSettings
from streams.telemetry import configure_logging
from streams.workers.names import worker_name

worker = typer.Typer(help="Run a stream worker in the foreground.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(worker, name="worker")
    app.command()(sink)


@worker.command()
def route() -> None:
    """Route change events to the topics of the identities.

    Example: streams worker route
    """
    # Imported here: Faust costs a second that no other command should pay.
    from streams.workers import faust_app
    from streams.workers.route import create_app

    settings = load_here(RouteSettings)
    configure_logging(stage="route", worker=worker_name(settings.worker))
    faust_app.run(create_app(settings))


@worker.command()
def submit(
    identity: Annotated[str, typer.Option(help="Whose commands to submit; only this identity's key is loaded.")],
) -> None:
    """Submit the commands of one identity to the ledger.

    Example: streams worker submit --identity org1-admin
    """
    from streams.workers import faust_app
    from streams.workers.submit import create_app

    settings = load_here(SubmitSettings)
    configure_logging(stage="submit", identity=identity, worker=worker_name(settings.worker))
    faust_app.run(create_app(settings, identity))


def sink() -> None:
    """Write outcomes back into the rows.

    Example: streams sink
    """
    from streams.workers.sink import run

    settings = load_here(SinkSettings)
    name = worker_name(settings.worker)
    configure_logging(stage="write-back", worker=name)
    run(settings, name)
