"""Which stack a command speaks to: the environment's settings, else the running stack of this folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from streams.settings import PREFIX, Settings, load

S = TypeVar("S", bound=Settings)

LOCAL = Path(".local")
STACK_ENV = "stack.env"


def load_here(kind: type[S]) -> S:
    """The settings from the environment; when it holds none, from `.local/stack.env` of this folder.

    Raises SettingsInvalid.
    """
    stack_env = LOCAL / STACK_ENV
    is_configured = any(name.startswith(PREFIX) for name in os.environ)
    return load(kind, None if is_configured or not stack_env.is_file() else stack_env)
