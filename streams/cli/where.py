"""Which stack a command speaks to: the environment's settings, else the running stack of this folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from streams.settings import Settings, load, variables

S = TypeVar("S", bound=Settings)

LOCAL = Path(".local")
STACK_ENV = "stack.env"


def load_here(kind: type[S]) -> S:
    """The settings from the environment; what it lacks from `.local/stack.env`, unless it names a system of its own.

    An address in the environment never mixes with those of the stack in this folder. Raises SettingsInvalid.
    """
    stack_env = LOCAL / STACK_ENV
    required = [name for name, section, field in variables() if section.model_fields[field].is_required()]
    names_a_system = any(name in os.environ for name in required)
    return load(kind, None if names_a_system or not stack_env.is_file() else stack_env)
