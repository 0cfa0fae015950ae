"""How a frame of `streams top` looks."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.cli.output import cells, table
from streams.operations.top.frame import Frame, IdentityRow

_UNKNOWN = "–"
_CAUSE_LENGTH = 100
_BREAKER_STYLE = {"closed": "green", "probing": "yellow", "open": "red"}


def page(frame: Frame) -> RenderableType:
    """The frame as text and tables, from top to bottom."""
    parts: list[RenderableType] = [_head(frame), "", _identities(frame), "", _stages(frame)]
    if frame.lags:
        parts += ["", _lags(frame)]
    if frame.errors is not None:
        parts += ["", _errors(frame)]
    parts += [Text(f"{source}: {problem}", style="red") for source, problem in frame.problems.items()]
    return Group(*parts)


def _head(frame: Frame) -> Text:
    pending = "" if frame.pending is None else f"   pending {frame.pending:,}"
    oldest = _UNKNOWN if frame.oldest_pending_s is None else duration(frame.oldest_pending_s)
    return Text(
        f"{frame.made_at:%H:%M:%S} UTC   {frame.processes} processes answer, {len(frame.problems)} not reachable"
        f"{pending}   oldest pending {oldest}",
        style="bold",
    )


def _identities(frame: Frame) -> Table:
    figures = ("workers", "committed/s", "failed/s", "retries/s", "window", "waiting", "lanes", "held", "blocks behind")
    made = table("identity", *figures, "breaker", right=figures)
    for row in frame.identities:
        made.add_row(*_identity(row))
    if not frame.identities:
        made.add_row("no submit worker is known")
    return made


def _identity(row: IdentityRow) -> list[str | Text]:
    return [
        *cells(
            row.identity,
            row.workers,
            rate(row.committed_per_s),
            rate(row.failed_per_s),
            rate(row.retries_per_s),
            f"{row.window_in_use}/{row.window_limit}",
            row.waiting,
            row.lanes,
            row.held,
            row.blocks_behind,
        ),
        Text(row.breaker or _UNKNOWN, style=_BREAKER_STYLE.get(row.breaker or "", "")),
    ]


def _stages(frame: Frame) -> Table:
    made = table("stage", "per s", "p50", "p95", right=("per s", "p50", "p95"))
    for row in frame.stages:
        made.add_row(*cells(row.stage, rate(row.per_s), duration(row.p50_s), duration(row.p95_s)))
    return made


def _lags(frame: Frame) -> Table:
    made = table("group", "lag", "oldest", right=("lag", "oldest"))
    for row in frame.lags:
        made.add_row(*cells(row.group, f"{row.records:,}", duration(row.seconds)))
    return made


def _errors(frame: Frame) -> Table:
    made = table("last dead letters", "kind", "code", "identity", "command", "cause")
    for letter in frame.errors or ():
        code, cause = letter.error_code, letter.cause.partition("\n")[0][:_CAUSE_LENGTH]
        made.add_row(*cells(_at(letter.happened_at), letter.kind, code, letter.identity, letter.command_id, cause))
    if not frame.errors:
        made.add_row("none")
    return made


def _at(at: datetime) -> str:
    return f"{at:%m-%d %H:%M:%S}"


def rate(per_s: float | None) -> str:
    """A rate, with as many digits as say something."""
    return _UNKNOWN if per_s is None else f"{per_s:.1f}"


def duration(seconds: float | None) -> str:
    """A time as people read it: 38 ms, 2.5 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return _UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
