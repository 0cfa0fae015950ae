"""The submit stage when a certificate was renewed: the ids of earlier certificates are asked for first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from carried import carry, is_committed
from scripted_ledger import (
    COMMAND,
    TAKEN_AT,
    Answer,
    ScriptedLedger,
    Step,
    endorse_failed,
    entry,
    id_of,
    nothing,
    ok,
    submit_failed,
    unknown,
)

from streams.errors import EndorseFailed, LedgerError, SubmitFailed
from streams.messages import DeadLetterKind, OutcomeKind
from streams.stages.submission.record import ID_REUSED

AN_ATTEMPT = [Step.ENDORSE, Step.SUBMIT, Step.STATUS]
MVCC = "MVCC_READ_CONFLICT"


def under(certificate: int, attempt: int = 0) -> str:
    return id_of(attempt, COMMAND, certificate)


def only(transaction_id: str, answer: Answer) -> Answer:
    """The answer for this id; nothing under others."""
    return lambda asked: answer(asked) if asked == transaction_id else None


def ledger(*answers: Answer, earlier: int = 1, asked: int = 400) -> ScriptedLedger:
    """Looks up as the last answer says, for ever."""
    return ScriptedLedger(earlier=earlier, held=[*answers[:-1], *[answers[-1]] * asked])


def test_a_command_committed_under_an_earlier_certificate_is_not_submitted_again() -> None:
    for certificate in range(2):
        scripted = ledger(only(under(certificate), entry()), earlier=2)
        carried = carry(scripted)
        assert is_committed(carried, under(certificate))
        assert set(scripted.steps) == {Step.LOOK_UP}
        assert carried.waits_s == []
        assert carried.ending.transaction_ids == (under(2), under(certificate))


def test_other_arguments_under_an_earlier_certificate_are_a_reused_command_id() -> None:
    carried = carry(ledger(only(under(0), entry(arguments=()))))
    assert (carried.outcome.kind, carried.outcome.error_code) == (OutcomeKind.FAILED, ID_REUSED)
    assert carried.ending.dead_letter_kind is DeadLetterKind.INVALID


def test_a_conflict_under_an_earlier_certificate_leads_to_the_next_attempt_under_the_new_one() -> None:
    scripted = ledger(only(under(0), entry(MVCC)))
    carried = carry(scripted)
    assert is_committed(carried, under(1, attempt=1))
    assert carried.ending.transaction_ids == (under(1), under(0), under(1, attempt=1))
    assert [call.transaction_id for call in scripted.at(Step.SUBMIT)] == [under(1, attempt=1)]


def test_a_command_that_failed_under_an_earlier_certificate_fails_with_that_transaction() -> None:
    carried = carry(ledger(only(under(0), entry("ENDORSEMENT_POLICY_FAILURE"))))
    outcome = carried.outcome
    assert (outcome.kind, outcome.transaction_id) == (OutcomeKind.FAILED, under(0))
    assert carried.ending.transaction_ids[-1] == under(0)


def test_a_valid_transaction_of_any_certificate_counts_before_an_invalid_one() -> None:
    answers = {under(0): entry(MVCC), under(1): entry()}
    carried = carry(ledger(lambda asked: answers[asked](asked)))
    assert is_committed(carried, under(1))


def test_that_there_is_nothing_counts_only_when_what_others_submitted_has_settled() -> None:
    """The clock of `carry` ticks by the second; the stage waits a minute by default."""
    scripted = ledger(nothing)
    carried = carry(scripted)
    assert is_committed(carried, under(1))
    assert scripted.steps[-3:] == AN_ATTEMPT
    assert len(scripted.at(Step.LOOK_UP)) > 100
    assert carried.outcome.stages["endorsed"] >= carried.outcome.stages["taken"].replace(minute=5)


def test_what_shows_up_while_it_settles_is_found() -> None:
    scripted = ledger(*[nothing] * 7, only(under(0), entry()))
    assert is_committed(carry(scripted), under(0))
    assert scripted.at(Step.SUBMIT) == []


def test_a_ledger_that_cannot_be_asked_does_not_count_as_one_that_holds_nothing() -> None:
    scripted = ledger(*[unknown] * 300, only(under(0), entry()))
    assert is_committed(carry(scripted), under(0))
    assert scripted.at(Step.ENDORSE) == []


def refused_endorsement(scripted: ScriptedLedger, code: str) -> Answer:
    def answer(transaction_id: str) -> LedgerError | None:
        if transaction_id != under(0):
            return None
        scripted.renewals = 1
        return EndorseFailed("refused", code=code, transaction_id=transaction_id, refused=False)

    return answer


def test_an_attempt_in_flight_keeps_its_certificate() -> None:
    scripted = ScriptedLedger()
    scripted.endorse = [refused_endorsement(scripted, "PEER_UNAVAILABLE"), ok]
    carried = carry(scripted)
    assert is_committed(carried, under(0))
    assert scripted.at(Step.LOOK_UP) == []


@pytest.mark.parametrize("code", ["IDENTITY_EXPIRED", "ACCESS_DENIED"])
def test_an_attempt_whose_certificate_is_refused_goes_on_with_the_new_one_once_it_has_settled(code: str) -> None:
    scripted = ScriptedLedger(held=[nothing] * 400)
    scripted.endorse = [refused_endorsement(scripted, code)]
    carried = carry(scripted)
    assert is_committed(carried, under(1))
    assert carried.ending.transaction_ids == (under(0), under(1))
    assert len(scripted.at(Step.LOOK_UP)) > 100


def test_an_envelope_that_an_orderer_refuses_for_its_certificate_is_looked_up_before_a_new_one_is_made() -> None:
    scripted = ScriptedLedger(held=[nothing] * 5 + [only(under(0), entry())] * 400)

    def expired(transaction_id: str) -> LedgerError:
        scripted.renewals = 1
        return SubmitFailed("expired", code="IDENTITY_EXPIRED", transaction_id=transaction_id, may_be_on_ledger=False)

    scripted.submit = [submit_failed(may_be_on_ledger=True), expired]
    carried = carry(scripted)
    assert is_committed(carried, under(0))
    assert [call.transaction_id for call in scripted.at(Step.ENDORSE)] == [under(0)]


def test_without_a_newer_certificate_a_refused_one_is_tried_again_with_the_same_envelope() -> None:
    scripted = ScriptedLedger(
        submit=[
            submit_failed(may_be_on_ledger=True),
            lambda asked: SubmitFailed("no", code="ACCESS_DENIED", transaction_id=asked, may_be_on_ledger=False),
        ]
    )
    assert is_committed(carry(scripted), under(0))
    assert len({call.envelope for call in scripted.at(Step.SUBMIT)}) == 1


def test_a_refusal_by_the_chaincode_under_the_new_certificate_is_final() -> None:
    scripted = ledger(nothing)
    scripted.endorse = [endorse_failed(refused=True)]
    assert carry(scripted).outcome.kind is OutcomeKind.FAILED


LONG_BEFORE = TAKEN_AT - timedelta(hours=1)
"""The partition was this process's own when the command was routed: nobody else can have submitted it."""


def test_what_nobody_else_can_have_submitted_is_looked_up_once_and_does_not_wait() -> None:
    scripted = ledger(nothing)
    carried = carry(scripted, alone_since=LONG_BEFORE)
    assert is_committed(carried, under(1))
    assert scripted.steps == [Step.LOOK_UP, Step.LOOK_UP, *AN_ATTEMPT]
    assert carried.waits_s == []


def test_what_was_never_submitted_goes_on_at_once_when_its_refused_certificate_is_renewed() -> None:
    scripted = ScriptedLedger(held=[nothing] * 400)
    scripted.endorse = [refused_endorsement(scripted, "ACCESS_DENIED")]
    assert is_committed(carry(scripted, alone_since=LONG_BEFORE), under(1))
    assert len(scripted.at(Step.LOOK_UP)) == 2


def test_what_may_have_been_submitted_waits_all_the_same_when_its_certificate_is_renewed() -> None:
    scripted = ScriptedLedger(held=[nothing] * 400)

    def expired(transaction_id: str) -> LedgerError | None:
        if transaction_id != under(0):
            return None
        scripted.renewals = 1
        return SubmitFailed("expired", code="IDENTITY_EXPIRED", transaction_id=transaction_id, may_be_on_ledger=False)

    scripted.submit = [submit_failed(may_be_on_ledger=True), expired]
    assert is_committed(carry(scripted, alone_since=LONG_BEFORE), under(1))
    assert len(scripted.at(Step.LOOK_UP)) > 100
