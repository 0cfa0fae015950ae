"""`streams replay pause`, `resume`, `status`: replays that were begun."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.output import stdout
from streams.cli.replay_flags import Json, PlanPath, Rate
from streams.cli.replay_shown import Bars, refuse_to_call_done, show_progress
from streams.cli.where import load_here
from streams.operations.replay import run
from streams.operations.replay.progress import newest_first, read_controls
from streams.settings import ToolSettings


def add_to(replay: typer.Typer) -> None:
    """Register the commands."""
    replay.command()(pause)
    replay.command()(resume)
    replay.command()(status)


def pause(replay_id: Annotated[str, typer.Argument(metavar="ID", help="Of the replay.")]) -> None:
    """Hold a replay; what was delivered already is held by the workers.

    Example: streams replay pause 0c5b2f9c41d7
    """
    run.pause(load_here(ToolSettings), replay_id)
    stdout.print(f"{replay_id} is paused.")


def resume(
    replay_id: Annotated[str, typer.Argument(metavar="ID", help="Of the replay.")],
    plan: PlanPath = None,
    rate: Rate = None,
) -> None:
    """Let a replay go on; if the process that published it is gone, this one publishes the rest.

    Example: streams replay resume 0c5b2f9c41d7
    """
    with Bars() as bars:
        settings = load_here(ToolSettings)
        done = run.resume(settings, replay_id, plan, rate, lambda one: bars.tell("publish", one.handled, one.planned))
    show_progress([done], as_json=False)
    refuse_to_call_done(done)


def status(
    replay_id: Annotated[str | None, typer.Argument(metavar="ID", help="Of one replay; default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Show how far replays have come.

    Example: streams replay status --json
    """
    controls = read_controls(load_here(ToolSettings).kafka.bootstrap_servers)
    controls.tail.close()
    show_progress([controls.of(replay_id)] if replay_id else list(newest_first(controls)), as_json=as_json)
