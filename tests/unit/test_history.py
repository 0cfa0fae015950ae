"""What the topics tell of commands: the newest counts, a commit is the last word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind
from streams.operations.history import History, Told

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAITING, SUBMITTED, PARKED, FAILED, COMMITTED = OutcomeKind


def outcome(kind: OutcomeKind, attempts: int = 1, **changes: str) -> Outcome:
    blank = Outcome(command_id="c-1", command_type="MINT", kind=kind, attempts=attempts, worker="w", happened_at=AT)
    return replace(blank, **changes)  # type: ignore[arg-type]


def results(offset: int) -> Origin:
    return Origin(topic="results", partition=2, offset=offset)


def told(*outcomes: Outcome) -> Told:
    with History() as history:
        for offset, said in enumerate(outcomes):
            history.note_outcome(said, results(offset))
        return history.of(["c-1"])["c-1"]


@pytest.mark.parametrize(
    ("kinds", "newest"),
    [
        ((SUBMITTED, COMMITTED), 1),
        ((SUBMITTED, FAILED, SUBMITTED), 2),
        ((FAILED, COMMITTED), 1),
        ((COMMITTED, FAILED), 0),
        ((COMMITTED, SUBMITTED, PARKED), 0),
    ],
)
def test_the_newest_outcome_counts_unless_there_was_a_commit(kinds: tuple[OutcomeKind, ...], newest: int) -> None:
    found = told(*(outcome(kind, transaction_id=str(number)) for number, kind in enumerate(kinds)))
    assert (found.outcome, found.outcome_at, found.transaction_id) == (kinds[newest], results(newest), str(newest))


def test_the_largest_number_of_attempts_is_kept() -> None:
    assert told(outcome(SUBMITTED, 7), outcome(PARKED, 2)).attempts == 7


def test_a_letter_and_an_outcome_of_one_command_are_told_together() -> None:
    letter = DeadLetter(
        kind=DeadLetterKind.REFUSED,
        error_code="CHAINCODE_REFUSED",
        cause="no",
        command_id="c-1",
        attempts=3,
        origin=Origin(topic="commands.org1-admin", partition=0, offset=1),
        key=None,
        value=None,
        worker="w",
        happened_at=AT,
    )
    with History() as history:
        history.note_letter(letter, Origin(topic="dead-letters", partition=0, offset=5))
        history.note_letter(replace(letter, command_id=None), Origin(topic="dead-letters", partition=0, offset=6))
        history.note_outcome(outcome(FAILED, error_code="CHAINCODE_REFUSED", error="no"), results(0))
        (found,) = history
    assert (found.letter, found.outcome, found.attempts, found.error) == (DeadLetterKind.REFUSED, FAILED, 3, "no")
    assert str(found.letter_at) == "dead-letters[0]@5"
    assert found.happened_at == AT


def test_of_a_command_that_nobody_told_of_nothing_is_known() -> None:
    with History() as history:
        assert history.of(["c-1"]) == {}


def test_many_commands_can_be_asked_for_at_once() -> None:
    names = [f"c-{number}" for number in range(1_201)]
    with History() as history:
        for name in names:
            history.note_outcome(outcome(SUBMITTED, command_id=name), results(0))
        assert history.of(names).keys() == set(names)
        assert len(list(history)) == len(names)
