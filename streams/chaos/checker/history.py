"""The status of a row never goes back, and a final row is never written again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from streams.chaos.checker.evidence import FINAL, Change, Evidence, Violation

_RANKS: Mapping[str, int] = {"PENDING": 0, "LOCKED": 1, "SUBMITTED": 2, "FAILED": 3, "COMMITTED": 3}


def status_goes_forward(evidence: Evidence) -> Iterator[Violation]:
    """One violation per wrong step."""
    written: dict[str, list[Change]] = defaultdict(list)
    for change in evidence.changes:
        written[change.command_id].append(change)
    for row in evidence.rows:
        yield from _of_one(row.command_id, row.status, written[row.command_id])


def _of_one(command_id: str, status: str, changes: Sequence[Change]) -> Iterator[Violation]:
    before: str | None = None
    for change in changes:
        step = f"{change.before or 'nothing'} -> {change.after} at {change.changed_at:%H:%M:%S.%f}"
        if change.before != before:
            yield _wrong(command_id, f"{step}, but it was {before or 'not there'}")
        elif before in FINAL:
            yield _wrong(command_id, f"{step}: a final row was written again")
        elif before is not None and _RANKS[change.after] < _RANKS[before]:
            yield _wrong(command_id, f"{step}: it went back")
        before = change.after
    if before != status:
        yield _wrong(command_id, f"the row is {status}, its last write said {before or 'nothing'}")


def _wrong(command_id: str, text: str) -> Violation:
    return Violation(rule="the status never goes back", text=text, command_id=command_id)
