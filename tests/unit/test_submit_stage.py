"""The submit stage against a scripted ledger: every answer at every step, and what must hold for any script."""

from __future__ import annotations

from itertools import pairwise

import pytest
from carried import Limits, carry, is_committed
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_ledger import (
    APPLIED_BY,
    ARGUMENTS,
    BLOCK,
    SEEN_AT,
    TAKEN_AT,
    Answer,
    Call,
    ScriptedLedger,
    Step,
    already_applied,
    duplicate,
    endorse_failed,
    entry,
    id_of,
    nothing,
    ok,
    rejected,
    submit_failed,
    unknown,
)

from streams.errors import CommitRejected, SubmitFailed
from streams.ledger import VALID, LedgerEntry
from streams.messages import DeadLetterKind, OutcomeKind
from streams.retry import CONFLICTS, Verdict
from streams.stages.submission.record import ID_REUSED

NO_ANSWER = submit_failed(may_be_on_ledger=True)
NOT_TAKEN = submit_failed(may_be_on_ledger=False)
REFUSED = submit_failed(may_be_on_ledger=False, refused=True)
INVALID = ("ENDORSEMENT_POLICY_FAILURE", "BAD_PROPOSAL_TXID")
AN_ATTEMPT = [Step.ENDORSE, Step.SUBMIT, Step.STATUS]


def test_a_fresh_command_is_committed_without_a_look_up() -> None:
    ledger = ScriptedLedger()
    carried = carry(ledger)
    assert ledger.steps == AN_ATTEMPT
    assert is_committed(carried, id_of(0))
    assert carried.ending.transaction_ids == (id_of(0),)
    assert (carried.outcome.attempts, carried.waits_s, carried.noticed) == (1, [], [])


def test_an_outcome_holds_the_time_of_every_stage_in_order() -> None:
    stages = carry(ScriptedLedger()).outcome.stages
    assert list(stages) == ["created", "captured", "routed", "taken", "endorsed", "submitted", "committed"]
    assert all(earlier < later for earlier, later in pairwise(stages.values()))
    assert (stages["taken"], stages["committed"]) == (TAKEN_AT, SEEN_AT)


def test_submitted_is_reported_once_before_the_end_with_the_transaction_id() -> None:
    carried = carry(ScriptedLedger(status=[unknown, unknown]))
    assert [(o.kind, o.transaction_id) for o in carried.reported] == [(OutcomeKind.SUBMITTED, id_of(0))]
    assert "committed" not in carried.reported[0].stages
    assert carried.reported[0].happened_at < carried.outcome.happened_at


@pytest.mark.parametrize(
    ("script", "code", "text"),
    [
        (ScriptedLedger(endorse=[endorse_failed(refused=True)]), "CHAINCODE_REFUSED", "insufficient funds"),
        (ScriptedLedger(submit=[NOT_TAKEN, REFUSED]), "ENVELOPE_TOO_LARGE", "not OK"),
    ],
)
def test_a_refused_command_reports_why(script: ScriptedLedger, code: str, text: str) -> None:
    carried = carry(script)
    outcome = carried.outcome
    assert (outcome.kind, outcome.error_code, outcome.error) == (OutcomeKind.FAILED, code, text)
    assert (outcome.transaction_id, outcome.block_number) == (None, None)
    assert carried.ending.dead_letter_kind is DeadLetterKind.REFUSED
    assert carried.reported == []
    assert carried.noticed[-1] == (code, Verdict.GIVE_UP)


def test_an_endorsement_that_could_not_be_had_is_asked_for_again() -> None:
    ledger = ScriptedLedger(endorse=[endorse_failed(refused=False)] * 3)
    carried = carry(ledger)
    assert ledger.steps == [Step.ENDORSE] * 3 + AN_ATTEMPT
    assert is_committed(carried, id_of(0))
    assert carried.waits_s == [1.0, 2.0, 4.0]
    assert carried.noticed == [("PEER_UNAVAILABLE", Verdict.WAIT_FOR_IDENTITY)] * 3


@pytest.mark.parametrize(
    "script",
    [
        ScriptedLedger(submit=[NOT_TAKEN, NOT_TAKEN]),
        ScriptedLedger(submit=[NO_ANSWER, NO_ANSWER]),
        ScriptedLedger(submit=[NO_ANSWER, NOT_TAKEN]),
        ScriptedLedger(submit=[NO_ANSWER, ok], status=[unknown]),
        ScriptedLedger(status=[unknown, unknown]),
    ],
)
def test_silence_submits_the_same_envelope_again(script: ScriptedLedger) -> None:
    carried = carry(script)
    submits = script.at(Step.SUBMIT)
    assert len(submits) == 3
    assert len({(call.transaction_id, call.envelope) for call in submits}) == 1
    assert is_committed(carried, id_of(0))


@pytest.mark.parametrize(
    "script",
    [
        ScriptedLedger(submit=[NO_ANSWER, REFUSED, REFUSED]),
        ScriptedLedger(submit=[NO_ANSWER, NOT_TAKEN, REFUSED]),
        ScriptedLedger(submit=[ok, REFUSED, REFUSED], status=[unknown]),
    ],
)
def test_a_refusal_behind_an_open_submit_is_not_a_failure(script: ScriptedLedger) -> None:
    assert is_committed(carry(script), id_of(0))


@pytest.mark.parametrize("code", sorted(CONFLICTS))
@pytest.mark.parametrize("is_looked_up", [False, True])
def test_a_conflict_leads_to_a_new_transaction(code: str, is_looked_up: bool) -> None:
    found = ScriptedLedger(endorse=[duplicate], held=[entry(code)])
    ledger = found if is_looked_up else ScriptedLedger(submit=[NO_ANSWER], status=[rejected(code)])
    carried = carry(ledger)
    assert is_committed(carried, id_of(1))
    assert carried.outcome.attempts == 2
    assert carried.ending.transaction_ids == (id_of(0), id_of(1))
    assert carried.noticed[-1] == (code, Verdict.NEW_TRANSACTION)


def test_a_new_transaction_starts_with_nothing_open() -> None:
    ledger = ScriptedLedger(submit=[NO_ANSWER, ok, REFUSED], status=[rejected("MVCC_READ_CONFLICT")])
    carried = carry(ledger)
    assert (carried.outcome.kind, carried.outcome.error_code) == (OutcomeKind.FAILED, "ENVELOPE_TOO_LARGE")


@pytest.mark.parametrize("code", INVALID)
@pytest.mark.parametrize("is_looked_up", [False, True])
def test_an_invalidity_that_no_attempt_can_cure_fails(code: str, is_looked_up: bool) -> None:
    found = ScriptedLedger(endorse=[duplicate], held=[entry(code)])
    carried = carry(found if is_looked_up else ScriptedLedger(status=[rejected(code)]))
    outcome = carried.outcome
    assert (outcome.kind, outcome.error_code) == (OutcomeKind.FAILED, code)
    assert (outcome.transaction_id, outcome.block_number) == (id_of(0), BLOCK)
    assert carried.ending.dead_letter_kind is DeadLetterKind.INVALID


def test_conflicts_end_in_failure_at_the_limit_of_attempts() -> None:
    ledger = ScriptedLedger(status=[rejected("MVCC_READ_CONFLICT")] * 10)
    carried = carry(ledger, Limits(max_attempts=3))
    assert ledger.steps == AN_ATTEMPT * 3
    assert (carried.outcome.kind, carried.outcome.error_code) == (OutcomeKind.FAILED, "MVCC_READ_CONFLICT")
    assert carried.outcome.attempts == 3
    assert carried.ending.transaction_ids == (id_of(0), id_of(1), id_of(2))


@pytest.mark.parametrize(("refusal", "asked_for"), [(duplicate, id_of(0)), (already_applied, APPLIED_BY)])
@pytest.mark.parametrize("at_first", [[], [nothing, nothing], [unknown], [unknown, nothing]])
def test_what_is_there_already_is_looked_up_until_the_ledger_answers(
    refusal: Answer, asked_for: str, at_first: list[Answer]
) -> None:
    ledger = ScriptedLedger(endorse=[refusal] * (len(at_first) + 1), held=at_first)
    carried = carry(ledger)
    assert is_committed(carried, asked_for)
    assert {call.transaction_id for call in ledger.at(Step.LOOK_UP)} == {asked_for}
    assert len(ledger.at(Step.LOOK_UP)) == len(at_first) + 1
    assert ledger.at(Step.SUBMIT) == []
    assert len(carried.waits_s) == len(at_first)


@pytest.mark.parametrize("refusal", [duplicate, already_applied])
@pytest.mark.parametrize("arguments", [(), ARGUMENTS[:-1], ("AdminContract:Mint", *ARGUMENTS[1:]), (*ARGUMENTS, "")])
def test_other_arguments_on_the_ledger_are_a_reused_command_id(refusal: Answer, arguments: tuple[str, ...]) -> None:
    carried = carry(ScriptedLedger(endorse=[refusal], held=[entry(arguments=arguments)]))
    assert (carried.outcome.kind, carried.outcome.error_code) == (OutcomeKind.FAILED, ID_REUSED)
    assert carried.ending.dead_letter_kind is DeadLetterKind.INVALID


def held_of_own(code: str, arguments: tuple[str, ...] = ARGUMENTS) -> Answer:
    """What only the command's own ids can be held as: who applied a command is valid, or not to be seen yet."""
    return lambda transaction_id: None if transaction_id == APPLIED_BY else entry(code, arguments)(transaction_id)


def answers(*answers: Answer) -> st.SearchStrategy[list[Answer]]:
    return st.lists(st.sampled_from(answers), max_size=8)


CODES = (*sorted(CONFLICTS), *INVALID)
SCRIPTS = st.builds(
    ScriptedLedger,
    endorse=answers(ok, endorse_failed(refused=True), endorse_failed(refused=False), duplicate, already_applied),
    submit=answers(ok, NO_ANSWER, NOT_TAKEN, REFUSED),
    status=answers(ok, unknown, *map(rejected, CODES)),
    held=answers(nothing, unknown, entry(), entry(arguments=()), *map(held_of_own, CODES)),
)


def code_of(call: Call) -> str | None:
    """The validation code that an answer tells; None if it tells none."""
    match call.answer:
        case CommitRejected(code=code) | LedgerEntry(code=code):
            return code
        case None if call.step is Step.STATUS:
            return VALID
    return None


def rulings(ledger: ScriptedLedger, transaction_id: str) -> set[str | None]:
    return {code_of(call) for call in ledger.calls if call.transaction_id == transaction_id} - {None}


def may_have_been_taken(call: Call) -> bool:
    refusal = call.answer
    return call.step is Step.SUBMIT and not (isinstance(refusal, SubmitFailed) and not refusal.may_be_on_ledger)


@settings(deadline=None)
@given(SCRIPTS, st.integers(1, 4))
def test_no_script_makes_a_command_fail_that_may_still_become_valid(ledger: ScriptedLedger, limit: int) -> None:
    carried = carry(ledger, Limits(max_attempts=limit))
    if carried.outcome.kind is OutcomeKind.FAILED:
        taken = [call.transaction_id for call in ledger.calls if may_have_been_taken(call)]
        assert all(rulings(ledger, transaction_id) & set(CODES) for transaction_id in taken)
    else:
        assert carried.outcome.transaction_id is not None
        assert VALID in rulings(ledger, carried.outcome.transaction_id)


@settings(deadline=None)
@given(SCRIPTS, st.integers(1, 4))
def test_no_script_makes_two_envelopes_of_one_id_or_a_new_id_without_a_conflict(
    ledger: ScriptedLedger, limit: int
) -> None:
    carried = carry(ledger, Limits(max_attempts=limit))
    envelopes: dict[str, set[int]] = {}
    for call in ledger.at(Step.SUBMIT):
        envelopes.setdefault(call.transaction_id, set()).add(call.envelope)
    assert all(len(of_one_id) == 1 for of_one_id in envelopes.values())
    tried = carried.ending.transaction_ids
    assert len(tried) == carried.outcome.attempts <= limit
    assert all(rulings(ledger, transaction_id) & CONFLICTS for transaction_id in tried[:-1])
    assert {call.transaction_id for call in ledger.calls} <= {*tried, APPLIED_BY}
