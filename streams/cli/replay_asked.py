"""What the flags of `streams replay` ask for, in the types of its parts. A flag that would be ignored is refused."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from streams.errors import SettingsInvalid
from streams.operations.replay.run import Pace
from streams.operations.replay.selection import Selection, parse_lsn, parse_share, parse_start, parse_time, parse_topics

_RANGE = ("topic", "to-offset", "until-offset", "from-lsn")
_TIMES = ("to-datetime", "by-duration", "until-datetime")
_FILTERS = ("command-id", "type", "tenant", "identity", "status")
_MAKES_A_PLAN = frozenset((*_RANGE, *_TIMES, *_FILTERS, "include-failed", "ask-all", "export"))
_NOT_OF_A_TABLE = frozenset((*_RANGE, "plan", "export", "rate", "share", "include-failed", "ask-all"))
_OF_EXECUTION = frozenset(("rate", "share", "max", "yes-replay"))


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """Only plan, or execute too; `yes_replay`: how many commands somebody has confirmed.

    `flags`: what was given, for the record of what operators do.
    """

    is_executed: bool
    as_json: bool
    yes_replay: int | None
    ask_all: bool
    flags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of the command."""

    selection: Selection
    pace: Pace
    how: How
    is_from_table: bool
    plan: Path | None
    export: Path | None


def asked_by(context: typer.Context) -> Asked:
    """Raises SettingsInvalid for a value that is none, and for flags that do not go together."""
    flags, given = flags_of(context), context.params
    refuse_what_would_be_ignored(flags.keys())
    how = How(
        is_executed=given["execute"],
        as_json=given["as_json"],
        yes_replay=given["yes_replay"],
        ask_all=given["ask_all"],
        flags=flags,
    )
    return Asked(
        selection=_selection(given),
        pace=Pace(share=parse_share(given["share"]), rate=given["rate"], most=given["most"]),
        how=how,
        is_from_table=given["from_table"],
        plan=given["plan"],
        export=given["export"],
    )


def flags_of(context: typer.Context) -> dict[str, str]:
    """What was given on the command line, by the names of the flags, without their dashes."""
    found = {}
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            value = context.params[name]
            told = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            found[parameter.opts[0].lstrip("-")] = told
    return found


def refuse_what_would_be_ignored(given: Set[str]) -> None:
    """More would be executed than was asked for. Takes the flags without their dashes. Raises SettingsInvalid."""
    if {"dry-run", "execute"} <= given:
        raise SettingsInvalid("--dry-run and --execute exclude each other")
    if "from-table" in given:
        _refuse(given & _NOT_OF_A_TABLE, "--from-table knows no", "leave it out; rows are chosen by time and filters")
    elif "plan" in given:
        if "execute" not in given:
            raise SettingsInvalid("--plan names what --execute shall publish; without --execute a new plan is made")
        wanted = "make the plan with these flags (--export FILE), then --execute --plan FILE"
        _refuse(given & _MAKES_A_PLAN, "--plan is made already and would ignore", wanted)
    elif "export" in given and "execute" not in given:
        wanted = "give it when the plan is executed: --execute --plan FILE"
        _refuse(given & _OF_EXECUTION, "a plan does not keep", wanted)


def _refuse(wrong: Set[str], why: str, wanted: str) -> None:
    if wrong:
        raise SettingsInvalid(f"{why} {', '.join(f'--{name}' for name in sorted(wrong))}: {wanted}")


def _selection(given: Mapping[str, Any]) -> Selection:
    until, from_lsn = given["until_datetime"], given["from_lsn"]
    return Selection(
        topics=parse_topics(given["topic"] or []),
        since=parse_start(given["to_datetime"], given["by_duration"]),
        from_offset=given["to_offset"],
        until=parse_time(until, "--until-datetime") if until else None,
        until_offset=given["until_offset"],
        command_ids=frozenset(given["command_id"] or ()),
        types=frozenset(given["type_"] or ()),
        tenants=frozenset(given["tenant"] or ()),
        identities=frozenset(given["identity"] or ()),
        statuses=frozenset(given["status"] or ()),
        from_lsn=parse_lsn(from_lsn) if from_lsn else None,
        include_failed=given["include_failed"],
    )
