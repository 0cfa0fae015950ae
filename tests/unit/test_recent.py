"""What was committed a moment ago is known without asking a peer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from scripted_ledger import COMMAND, EARLY

from streams.messages import Outcome, OutcomeKind
from streams.workers.recent import Recent


class Clock:
    def __init__(self) -> None:
        self.time = EARLY

    def now(self) -> datetime:
        return self.time


def outcome(kind: OutcomeKind = OutcomeKind.COMMITTED) -> Outcome:
    return Outcome(command_id=COMMAND.command_id, command_type="T", kind=kind, worker="w", happened_at=EARLY)


def test_a_commit_is_known_for_its_time() -> None:
    clock = Clock()
    recent = Recent(60.0, clock.now)
    recent.note(COMMAND, outcome())
    clock.time += timedelta(seconds=60)
    recent.note(replace(COMMAND, command_id="c-2"), outcome())
    assert recent.outcome(COMMAND) == outcome()
    clock.time += timedelta(seconds=1)
    recent.note(replace(COMMAND, command_id="c-3"), outcome())
    assert recent.outcome(COMMAND) is None


@pytest.mark.parametrize("kind", [kind for kind in OutcomeKind if kind is not OutcomeKind.COMMITTED])
def test_only_a_commit_is_kept(kind: OutcomeKind) -> None:
    recent = Recent(60.0, Clock().now)
    recent.note(COMMAND, outcome(kind))
    assert recent.outcome(COMMAND) is None


@pytest.mark.parametrize("other", [{"arguments": ("a", "b", "6")}, {"revision": 1}, {"function": "Burn"}])
def test_another_call_under_the_same_id_is_the_ledgers_to_judge(other: dict[str, object]) -> None:
    recent = Recent(60.0, Clock().now)
    recent.note(COMMAND, outcome())
    assert recent.outcome(replace(COMMAND, **other)) is None  # type: ignore[arg-type]
