"""Settings from the environment, complete or refused; every complaint names its variable."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from streams.errors import SettingsInvalid
from streams.settings.processes import PREFIX, Settings, ToolSettings

S = TypeVar("S", bound=Settings)


def load(kind: type[S], env_file: Path | None = None) -> S:
    """The settings of a process, from the environment and, below it, from `env_file`.

    Raises SettingsInvalid with one line per wrong variable.
    """
    problems = list(_unknown(env_file))
    try:
        settings = kind(_env_file=env_file)
    except SettingsError as error:  # a section's name as a variable: among the unknown ones
        problems = problems or [str(error)]
    except ValidationError as error:
        problems += [
            f"{variable}: {_complaint(e['type'], e['msg'])}"
            for e in error.errors()
            for variable in _variables_at(kind, e["loc"])
        ]
    if problems:
        raise SettingsInvalid("\n".join(problems))
    return settings


def variables(kind: type[BaseModel] = ToolSettings, prefix: str = PREFIX) -> Iterator[tuple[str, type[BaseModel], str]]:
    """Every (variable, owning section, field name) below `kind`."""
    for name, field in kind.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from variables(section, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", kind, name


def _unknown(env_file: Path | None) -> Iterator[str]:
    known = [name for name, _, _ in variables()]
    given = {*os.environ, *(dotenv_values(env_file) if env_file else ())}
    for name in sorted(given):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            rest = [other.removeprefix(PREFIX) for other in known]
            close = difflib.get_close_matches(name.upper().removeprefix(PREFIX), rest, n=1)
            yield f"{name}: no such setting" + (f"; did you mean {PREFIX}{close[0]}?" if close else "")


def _variables_at(kind: type[Settings], location: tuple[int | str, ...]) -> Iterator[str]:
    """The variable at an error's location; for a section that is missing as a whole, its required ones."""
    at = PREFIX + "__".join(str(part).upper() for part in location[:2])
    for name, section, field in variables(kind):
        if name == at or (name.startswith(at + "__") and section.model_fields[field].is_required()):
            yield name


def _complaint(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message[0].lower() + message[1:]
