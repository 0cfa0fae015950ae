"""Data files with placeholders of the form `@{name}`.

A plain `@` is written `@@`. It is not `$`, because `${file:...}` is Kafka's own placeholder, which the Connect worker
resolves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

from streams.errors import StackFailed


class _At(Template):
    delimiter = "@"
    idpattern = r"(?!)"  # only the braced form
    braceidpattern = r"[a-z][a-z_]*"


def render(path: Path, values: Mapping[str, object]) -> str:
    """The text of `path` with every placeholder filled in.

    Raises StackFailed naming the placeholder that has no value.
    """
    return _fill(path.read_text(), path, values)


def render_json(path: Path, values: Mapping[str, object]) -> dict[str, str]:
    """The flat JSON object in `path`, placeholders filled in after parsing, so that no value needs escaping.

    Raises StackFailed naming the placeholder that has no value.
    """
    template = json.loads(path.read_text())
    return {_fill(key, path, values): _fill(text, path, values) for key, text in template.items()}


def _fill(text: str, path: Path, values: Mapping[str, object]) -> str:
    try:
        return _At(text).substitute(values)
    except KeyError as missing:
        raise StackFailed(f"{path.name}: no value for the placeholder @{{{missing.args[0]}}}") from missing
    except ValueError as error:
        raise StackFailed(f"{path.name}: {error}") from error
