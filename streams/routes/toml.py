"""A routes file, and those it extends, as one document.

`extends = "routes.toml"` (beside the file that says so) takes everything from there; what the file writes itself wins,
field by field of an entry.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from streams.errors import RoutesInvalid
from streams.routes.problems import unknown_names

Entry: TypeAlias = dict[str, Any]

_KEYS = ("extends", "identities", "commands")
_TABLE_TWICE = re.compile(r"Cannot declare \((?P<names>.+?),?\) twice \(at (?P<place>.+)\)")


@dataclass(frozen=True, slots=True)
class Document:
    """The merged tables, not yet checked entry by entry. `written_in`: the file or files of each command's entry."""

    identities: Mapping[str, Any]
    commands: Mapping[str, Entry]
    written_in: Mapping[str, str]


def read_document(path: Path, extended_by: tuple[Path, ...] = ()) -> Document:
    """The document at `path`. Raises RoutesInvalid: unreadable, not TOML, a table twice, unknown keys, a cycle."""
    chain = (*extended_by, path.resolve())
    if path.resolve() in extended_by:
        names = " -> ".join(file.name for file in chain)
        raise RoutesInvalid(f"{path}: extends itself ({names}): remove one of the extends lines")
    tables = _parse(path)
    _check_shape(path, tables)
    own = Document(
        tables.get("identities", {}),
        tables.get("commands", {}),
        {command_type: str(path) for command_type in tables.get("commands", {})},
    )
    if "extends" not in tables:
        return own
    return _merged(own, read_document(path.parent / tables["extends"], chain))


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RoutesInvalid(f"{path}: cannot be read ({error.strerror}): name an existing routes file") from error
    except UnicodeDecodeError as error:
        raise RoutesInvalid(f"{path}: is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise RoutesInvalid(f"{path}: {_in_words(str(error))}") from error


def _in_words(complaint: str) -> str:
    """TOML itself refuses a table that is written twice; its words do not say what that means here."""
    twice = _TABLE_TWICE.fullmatch(complaint)
    if twice is None:
        return f"is not valid TOML: {complaint}"
    names = ".".join(re.findall(r"'([^']*)'", twice["names"]))
    return f"[{names}] is declared twice (at {twice['place']}): keep one entry per command type"


def _check_shape(path: Path, tables: Mapping[str, Any]) -> None:
    problems = unknown_names(tables, _KEYS)
    if not isinstance(tables.get("extends", ""), str):
        problems.append('extends must be the name of a file, as in extends = "routes.toml"')
    for key in ("identities", "commands"):
        if not isinstance(tables.get(key, {}), dict):
            problems.append(f"{key} must be a table: write [{key}]")
    commands = tables.get("commands", {})
    if isinstance(commands, dict):
        problems += [
            f"commands.{command_type} must be a table: write [commands.{command_type}]"
            for command_type, entry in commands.items()
            if not isinstance(entry, dict)
        ]
    if problems:
        raise RoutesInvalid("\n".join(f"{path}: {problem}" for problem in problems))


def _merged(own: Document, extended: Document) -> Document:
    commands = {
        command_type: {**extended.commands.get(command_type, {}), **own.commands.get(command_type, {})}
        for command_type in (*extended.commands, *own.commands)
    }
    written_in = {
        command_type: " over ".join(
            document.written_in[command_type] for document in (own, extended) if command_type in document.written_in
        )
        for command_type in commands
    }
    return Document({**extended.identities, **own.identities}, commands, written_in)
