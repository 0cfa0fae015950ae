"""`streams top`: the whole line live in the terminal."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from streams.cli.keys import keys
from streams.cli.output import print_json, stdout
from streams.cli.top_page import page
from streams.cli.where import LOCAL, load_here
from streams.errors import SettingsInvalid
from streams.kafka.groups import line_groups, replay_groups
from streams.local.paths import LocalPaths
from streams.local.targets import TARGETS, Job, Target, read_targets
from streams.operations.top.frame import Frame, Look, frame
from streams.operations.top.looking import KafkaAddress, Looking
from streams.postgres.profiles import load_profile
from streams.routes.table import load_routes
from streams.settings import ToolSettings

WINDOW_S = 30.0
"""Over how long rates and times are taken."""
ONCE_APART_S, PATIENCE_S = 1.0, 10.0
MONITOR = "monitor"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(top)


def top(
    *,
    target: Annotated[
        list[str] | None,
        typer.Option(help=f"JOB=host:port or submit/IDENTITY=host:port; JOB is one of {', '.join(Job)}."),
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(help="A list of targets as Prometheus reads it; default: of the line here.")
    ] = None,
    monitor: Annotated[
        str | None, typer.Option(help="URL of the monitor.", envvar="STREAMS_MONITOR__URL", show_envvar=False)
    ] = None,
    interval_s: Annotated[float, typer.Option(help="Seconds between two frames.", min=0.2)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end, as without a terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one frame as JSON and end.")] = False,
) -> None:
    """Show the whole line live: rate, time per stage, window, breaker, lag, oldest pending, last errors. q ends it.

    What does not answer is named, and the rest is shown all the same. With --once, times are those since each process
    was started; otherwise those of the last 30 seconds.

    Example: streams top --once
    """
    given = [_target(text) for text in target or []]
    if monitor is not None:
        given.append(Target(process=MONITOR, job=Job.MONITOR, address=monitor))
    file = targets or LocalPaths.under(LOCAL).state / TARGETS
    wanted = partial(_wanted, given, None if target and targets is None else file)
    if not wanted():
        raise typer.BadParameter(f"no line runs here ({file} is not there): name a --target", param_hint="--targets")
    with Looking(wanted, _kafka()) as looking:
        if as_json:
            print_json(_one(looking))
        elif once or not stdout.is_terminal:
            stdout.print(page(_one(looking)))
        else:
            _live(looking, interval_s)


def _wanted(given: Sequence[Target], file: Path | None) -> Sequence[Target]:
    """Those given, and those listed; read anew for each frame: the line may be brought up, or down, meanwhile."""
    listed = [] if file is None else read_targets(file)
    has_monitor = any(each.job is Job.MONITOR for each in given)
    return [*given, *(each for each in listed if each.job is not Job.MONITOR or not has_monitor)]


def _one(looking: Looking) -> Frame:
    """A frame of its own: rates of a moment, times since the processes were started."""
    before = looking.look()
    time.sleep(ONCE_APART_S)  # what a rate is measured over
    return frame(looking.look(PATIENCE_S), before, None, datetime.now(UTC))


def _live(looking: Looking, interval_s: float) -> None:
    """Until q, or an interrupt."""
    looks: deque[Look] = deque()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if we were started in the background
    try:
        with keys() as wait, Live(console=stdout, screen=True, auto_refresh=False) as live:
            key = ""
            while key != "q":
                made = _next(looks, looking.look())
                live.update(page(made), refresh=True)
                key = wait(interval_s)
    except KeyboardInterrupt:
        return


def _next(looks: deque[Look], now: Look) -> Frame:
    """The frame of the newest look, against the oldest of the window."""
    looks.append(now)
    while len(looks) > 2 and now.at - looks[1].at >= WINDOW_S:
        looks.popleft()
    before = looks[0] if len(looks) > 1 else None
    return frame(now, before, before, datetime.now(UTC))


def _target(text: str) -> Target:
    name, _, address = text.partition("=")
    job, _, identity = name.partition("/")
    if job not in set(Job) or not address or (identity != "") != (job == Job.SUBMIT):
        raise typer.BadParameter(
            f"{text!r} is neither JOB=host:port with one of {', '.join(Job)} nor submit/IDENTITY=host:port",
            param_hint="--target",
        )
    return Target(process=name.replace("/", "-"), job=Job(job), address=address, identity=identity or None)


def _kafka() -> KafkaAddress | None:
    """Where Kafka is; None where nobody has said it."""
    try:
        settings = load_here(ToolSettings)
    except SettingsInvalid:
        return None
    cdc_topic = load_profile(settings.postgres.profile).cdc_topic(settings.kafka.topic_prefix)
    identities = load_routes(settings.routes).identities
    return KafkaAddress(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        groups=line_groups(identities, cdc_topic),
        replay_groups=replay_groups(identities),
    )
