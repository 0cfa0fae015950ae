"""What a replay does about a record, from all that is known of its command."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted_ledger import BLOCK

from streams.ledger import VALID, LedgerEntry
from streams.messages import DeadLetterKind, Origin, OutcomeKind
from streams.operations.history import Told
from streams.operations.replay.verdicts import ACTIONS, Facts, Verdict, judge, needs_ledger
from streams.operations.truth import Committed, NotKnown, NotThere, Open, Refused, Reused, Truth

ENTRY = LedgerEntry(transaction_id="t", code=VALID, block_number=BLOCK, arguments=(), result=b"")
NOTHING = Facts(later=None, is_taken=True, told=None, row_status="PENDING", truth=NotThere())
LATER = Origin(topic="commands.org1-admin", partition=0, offset=9)


def told(outcome: OutcomeKind | None, code: str | None = None, letter: DeadLetterKind | None = None) -> Told:
    return Told(
        command_id="c-1",
        outcome=outcome,
        outcome_at=None,
        happened_at=None,
        identity=None,
        transaction_id=None,
        error_code=code,
        error="why",
        attempts=1,
        letter=letter,
        letter_at=None,
    )


@pytest.mark.parametrize(
    ("outcome", "truth", "verdict"),
    [
        (None, NotThere(), Verdict.NEVER_SUBMITTED),
        (OutcomeKind.WAITING, NotThere(), Verdict.NEVER_SUBMITTED),
        (None, Open(2), Verdict.IN_DOUBT),
        (OutcomeKind.SUBMITTED, NotThere(), Verdict.IN_DOUBT),
        (OutcomeKind.PARKED, NotThere(), Verdict.IN_DOUBT),
        (OutcomeKind.PARKED, Committed(ENTRY), Verdict.COMMITTED),
        (OutcomeKind.FAILED, Committed(ENTRY), Verdict.COMMITTED),
        (OutcomeKind.FAILED, NotThere(), Verdict.FAILED_CURABLE),
        (OutcomeKind.FAILED, Open(3), Verdict.FAILED_CURABLE),
        (OutcomeKind.FAILED, Refused("BAD_PAYLOAD"), Verdict.FAILED_FOR_GOOD),
        (None, Reused(ENTRY), Verdict.FAILED_FOR_GOOD),
        (OutcomeKind.COMMITTED, None, Verdict.COMMITTED),
        (OutcomeKind.COMMITTED, NotThere(), Verdict.NOT_KNOWN),
        (OutcomeKind.SUBMITTED, NotKnown("away"), Verdict.NOT_KNOWN),
    ],
)
def test_the_ledger_decides_and_what_it_leaves_open_the_outcome(
    outcome: OutcomeKind | None, truth: Truth | None, verdict: Verdict
) -> None:
    facts = replace(NOTHING, told=told(outcome) if outcome else None, truth=truth)
    assert judge(facts).verdict is verdict


def test_a_later_record_of_the_command_takes_the_place_of_this_one() -> None:
    judged = judge(replace(NOTHING, later=LATER, truth=None))
    assert (judged.verdict, judged.cause) == (Verdict.SUPERSEDED, f"came again at {LATER}")


def test_what_the_workers_are_at_is_left_to_them() -> None:
    assert judge(replace(NOTHING, is_taken=False, truth=None)).verdict is Verdict.IN_PROGRESS


def test_a_failure_that_nothing_cures_has_failed_for_good() -> None:
    facts = replace(NOTHING, told=told(OutcomeKind.FAILED, "ARGUMENT_NOT_TEXT"))
    assert judge(facts).verdict is Verdict.FAILED_FOR_GOOD


@pytest.mark.parametrize(
    ("letter", "verdict"),
    [(DeadLetterKind.REFUSED, Verdict.FAILED_CURABLE), (DeadLetterKind.UNKNOWN, Verdict.NEVER_SUBMITTED)],
)
def test_without_an_outcome_the_dead_letter_tells(letter: DeadLetterKind, verdict: Verdict) -> None:
    assert judge(replace(NOTHING, told=told(None, letter=letter))).verdict is verdict


def test_without_an_outcome_the_row_tells() -> None:
    assert judge(replace(NOTHING, row_status="FAILED")).verdict is Verdict.FAILED_CURABLE
    assert judge(replace(NOTHING, row_status="COMMITTED")).verdict is Verdict.NOT_KNOWN


def test_a_row_that_names_a_transaction_that_nobody_told_of_is_left_to_a_person() -> None:
    judged = judge(replace(NOTHING, row_status="SUBMITTED", row_transaction_id="of the old worker"))
    assert judged.verdict is Verdict.NOT_KNOWN
    assert "of the old worker" in judged.cause


def test_a_commit_that_an_outcome_tells_of_is_asked_for_only_on_demand() -> None:
    committed = replace(NOTHING, told=told(OutcomeKind.COMMITTED))
    assert not needs_ledger(committed, is_proof_wanted=False)
    assert needs_ledger(committed, is_proof_wanted=True)
    assert needs_ledger(NOTHING, is_proof_wanted=False)
    assert not needs_ledger(replace(NOTHING, later=LATER), is_proof_wanted=True)


def test_every_verdict_says_what_is_done() -> None:
    assert ACTIONS.keys() == set(Verdict)
