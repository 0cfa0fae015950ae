"""Dead letters by cause: what a person looks at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    found: dict[tuple[str, str, str | None, str | None], Cause] = {}
    for one in letters:
        alone = _cause(one)
        key = (alone.kind, alone.code, alone.command_type, alone.identity)
        found[key] = _joined(found[key], alone) if key in found else alone
    return sorted(found.values(), key=lambda cause: -cause.letters)


def _joined(so_far: Cause, alone: Cause) -> Cause:
    example = alone if alone.newest > so_far.newest else so_far
    return replace(example, letters=so_far.letters + 1, oldest=min(so_far.oldest, alone.oldest))


def _cause(found: Letter) -> Cause:
    letter = found.letter
    return Cause(
        kind=letter.kind.value,
        code=letter.error_code,
        command_type=letter.command_type,
        identity=letter.identity,
        letters=1,
        oldest=letter.happened_at,
        newest=letter.happened_at,
        example_offset=found.address.offset,
        example_command_id=letter.command_id,
        example=letter.cause,
    )
