"""Every command of `streams`, from the command line's own definition, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from docs.markdown import NOTICE, code, table
from streams.cli import app

_INTRODUCTION = f"""{NOTICE}
# Commands

`streams --help` lists them; every command has `--help` with the same text as here.

Exit codes: 0 done, 1 failed, 2 called or configured wrongly, 130 interrupted. A failure is one clear message on
standard error, never a traceback.
"""

_EXAMPLE = "Example: "


def page() -> str:
    """`commands.md`."""
    return _INTRODUCTION + "".join(_section(path, command) for path, command in leaves("streams", root()))


def root() -> Any:
    """The command line as typer builds it."""
    return typer.main.get_command(app)


def leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """(`streams worker route`, command) for everything that runs, in the order of `--help`."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, child in children.items():
        yield from leaves(f"{path} {name}", child)


def _section(path: str, command: Any) -> str:
    text, _, example = (command.help or "").partition(_EXAMPLE)
    parts = [f"\n## {path}\n", text.strip() + "\n", f"Usage: {code(' '.join((path, *_usage(command))))}\n"]
    rows = [_row(parameter) for parameter in command.params]
    if rows:
        parts.append(table(("parameter", "value", "default", "what it is"), rows))
    parts.append(f"```sh\n{example.strip()}\n```\n")
    return "\n".join(parts)


def _usage(command: Any) -> Iterator[str]:
    """What goes after the command's name."""
    for parameter in command.params:
        if not _is_option(parameter):
            yield _name(parameter) if parameter.required else f"[{_name(parameter)}]"
        elif parameter.required:
            yield f"{_name(parameter)} {parameter.name.upper()}"
    if any(_is_option(parameter) and not parameter.required for parameter in command.params):
        yield "[OPTIONS]"


def _row(parameter: Any) -> tuple[str, ...]:
    return code(_name(parameter)), _kind(parameter), _default(parameter), parameter.help or ""


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _name(parameter: Any) -> str:
    return ", ".join(parameter.opts) if _is_option(parameter) else parameter.metavar or parameter.name.upper()


def _kind(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return "flag"
    if parameter.multiple:
        return "text, may be repeated"
    kind: str = parameter.bare_type().lower()
    return {"str": "text", "float": "number", "int": "whole number"}.get(kind, kind)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "*required*"
    if parameter.default is None or getattr(parameter, "is_flag", False):
        return ""
    return code(f"{parameter.default:g}" if isinstance(parameter.default, float) else str(parameter.default))
