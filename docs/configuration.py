"""Every setting, from `streams.settings`, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docs.markdown import NOTICE, code, table
from streams.files import ROOT
from streams.settings import (
    PREFIX,
    ExternalLedgerSettings,
    LagSettings,
    MonitorSettings,
    RoutesCheckSettings,
    RouteSettings,
    SendSettings,
    Settings,
    SinkSettings,
    SubmitSettings,
    ToolSettings,
    UpSettings,
    variables,
)

PROCESSES: Mapping[str, type[Settings]] = {
    "worker route": RouteSettings,
    "worker submit": SubmitSettings,
    "sink": SinkSettings,
    "monitor": MonitorSettings,
    "lag": LagSettings,
    "send": SendSettings,
    "status": ToolSettings,
    "trace": ToolSettings,
    "top": ToolSettings,
    "check": ToolSettings,
    "lanes": ToolSettings,
    "dead-letters": ToolSettings,
    "replay": ToolSettings,
    "reconcile": ToolSettings,
    "routes check": RoutesCheckSettings,
    "up --ledger external": ExternalLedgerSettings,
    "up": UpSettings,
    "demo": UpSettings,
    "chaos": UpSettings,
    "drill ledger-down": ToolSettings,
}
"""Commands of `streams`, and the settings that each of them loads."""

_INTRODUCTION = f"""{NOTICE}
# Configuration

Every setting is an environment variable. A process reads the variables that name it below, refuses to start when one
without a default is missing or one has a wrong value, and refuses any `{PREFIX}` variable that is not on this page.
Every complaint names its variable, and the exit code is 2.

What the environment lacks, the commands take from `.local/stack.env` of the current folder, which a running
`streams up` writes there; not so when the environment sets any of the required variables, because addresses of two
systems must not mix. `streams up` with the simulator and `streams demo` need no settings.

*required*: there is no default. *optional*: that command also works without the variable.
"""

_OF_NO_SECTION = "What belongs to no neighbour"


def page() -> str:
    """`configuration.md`."""
    sections = groupby(variables(), key=lambda variable: variable[1])
    return _INTRODUCTION + "".join(_section(owner, list(members)) for owner, members in sections)


def _section(owner: type[BaseModel], members: list[tuple[str, type[BaseModel], str]]) -> str:
    title = _OF_NO_SECTION if issubclass(owner, Settings) else (owner.__doc__ or "").partition("\n")[0].rstrip(".")
    rows = [_row(name, owner.model_fields[field]) for name, _, field in members]
    return f"\n## {title}\n\n" + table(("variable", "type", "default", "read by", "what it is"), rows)


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    default = "*required*" if field.is_required() else _value(field.default)
    read_by = ", ".join(_read_by(name, is_required=field.is_required()))
    return code(name), _type(field), default, read_by, field.description or ""


def _read_by(name: str, *, is_required: bool) -> Iterator[str]:
    """The commands that load a variable; those that can do without a required one are marked."""
    for process, kind in PROCESSES.items():
        for variable, owner, field in variables(kind):
            if variable == name:
                is_optional = is_required and not owner.model_fields[field].is_required()
                yield f"{code(process)} (*optional*)" if is_optional else code(process)


def _type(field: FieldInfo) -> str:
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    if tuple in {getattr(field.annotation, "__origin__", None)}:
        return "names, comma-separated"
    names = {str: "text", SecretStr: "text, secret", Path: "path", bool: "true or false", int: "whole number"}
    return names.get(kinds[0], "number") + "".join(_bound(limit) for limit in field.metadata)


def _bound(limit: Any) -> str:
    for attribute, sign in (("gt", ">"), ("ge", "≥")):
        value = getattr(limit, attribute, None)
        if value is not None:
            return f" {sign} {value:g}"
    return ""


def _value(default: object) -> str:
    match default:
        case None:
            return "none"
        case bool():
            return code(str(default).lower())
        case float() | int():
            return code(f"{default:g}")
        case tuple():
            return code(",".join(default))
        case Path():
            return code(str(default.relative_to(ROOT)))
        case _:
            return code(str(default))
