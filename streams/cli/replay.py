"""`streams replay`: which commands would be delivered once more, and doing it."""

from __future__ import annotations

import typer

from streams.cli import replay_control, replay_doing
from streams.cli.replay_asked import asked_by
from streams.cli.replay_flags import (
    ByDuration,
    CommandIds,
    DryRun,
    Execute,
    Export,
    FromLsn,
    FromTable,
    Identities,
    IncludeFailed,
    Json,
    Max,
    PlanPath,
    Proof,
    Rate,
    Share,
    Statuses,
    Tenants,
    ToDatetime,
    ToOffset,
    Topics,
    Types,
    UntilDatetime,
    UntilOffset,
    YesReplay,
)
from streams.cli.where import load_here
from streams.kafka.replays import DEFAULT_SHARE
from streams.settings import ToolSettings

replay = typer.Typer(
    help="Plan, and execute, a replay of commands; nothing is done without --execute.\n\n"
    "Example: streams replay --by-duration PT2H",
    invoke_without_command=True,
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    replay_control.add_to(replay)
    app.add_typer(replay, name="replay")


@replay.callback()
def plan_or_execute(
    context: typer.Context,
    topic: Topics = None,
    to_datetime: ToDatetime = None,
    by_duration: ByDuration = None,
    to_offset: ToOffset = None,
    until_datetime: UntilDatetime = None,
    until_offset: UntilOffset = None,
    command_id: CommandIds = None,
    type_: Types = None,
    tenant: Tenants = None,
    identity: Identities = None,
    status: Statuses = None,
    from_lsn: FromLsn = None,
    include_failed: IncludeFailed = False,
    ask_all: Proof = False,
    from_table: FromTable = False,
    as_json: Json = False,
    export: Export = None,
    dry_run: DryRun = False,
    execute: Execute = False,
    plan: PlanPath = None,
    rate: Rate = None,
    share: Share = f"{DEFAULT_SHARE:.0%}",
    most: Max = None,
    yes_replay: YesReplay = None,
) -> None:
    """Say per command what a replay would do, and with --execute do it.

    Example: streams replay --by-duration PT2H --identity org1-admin
    """
    if context.invoked_subcommand is not None:
        return
    asked = asked_by(context)
    if asked.is_from_table:
        replay_doing.from_table(load_here(ToolSettings), asked)
    else:
        replay_doing.from_topics(load_here(ToolSettings), asked)
