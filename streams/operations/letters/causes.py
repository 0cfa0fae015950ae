"""Dead letters by cause: what a person looks at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from streams.operations.letters.letter import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Letters of one kind, code, type and identity; `example` is the newest."""

    kind: str
    code: str
    command_type: str | None
    identity: str | None
    letters: int
    oldest: datetime
    newest: datetime
    example_offset: int
    example_command_id: str | None
    example: str


def causes(letters: Iterable[Letter]) -> list[Cause]:
    """The most frequent first."""
    groups: dict[tuple[str, str, str, str], list[Letter]] = {}
    for found in letters:
        letter = found.letter
        key = (letter.kind.value, letter.error_code, letter.command_type or "", letter.identity or "")
        groups.setdefault(key, []).append(found)
    return sorted((_cause(group) for group in groups.values()), key=lambda cause: -cause.letters)


def _cause(group: list[Letter]) -> Cause:
    example = max(group, key=lambda found: found.letter.happened_at)
    letter = example.letter
    return Cause(
        kind=letter.kind.value,
        code=letter.error_code,
        command_type=letter.command_type,
        identity=letter.identity,
        letters=len(group),
        oldest=min(found.letter.happened_at for found in group),
        newest=letter.happened_at,
        example_offset=example.address.offset,
        example_command_id=letter.command_id,
        example=letter.cause,
    )
