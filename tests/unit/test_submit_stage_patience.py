"""The submit stage's patience: what counts as a try, what holds a command back, and where it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from carried import Limits, carry, is_committed
from scripted_ledger import (
    COMMAND,
    TAKEN_AT,
    Answer,
    ScriptedLedger,
    Step,
    duplicate,
    endorse_failed,
    entry,
    id_of,
    not_endorsed,
    nothing,
    ok,
    rejected,
    says,
    submit_failed,
    unknown,
)

from streams.messages import DeadLetterKind, OutcomeKind
from streams.retry import Step as Asked
from streams.retry import Verdict

MVCC = "MVCC_READ_CONFLICT"
PAUSED, BUSY = says("system is paused"), says("state database is busy")
ILL = [not_endorsed("PEER_UNAVAILABLE"), not_endorsed("TIMEOUT"), not_endorsed("ACCESS_DENIED")]
FEW_TRIES = Limits(max_tries=4)


@pytest.mark.parametrize(
    "script",
    [
        ScriptedLedger(endorse=ILL * 5),
        ScriptedLedger(submit=[submit_failed(may_be_on_ledger=True)] * 15),
        ScriptedLedger(status=[unknown] * 15),
        ScriptedLedger(endorse=[duplicate] * 16, held=[unknown] * 15),
    ],
)
def test_while_the_identity_is_known_to_be_ill_no_try_is_counted(script: ScriptedLedger) -> None:
    carried = carry(script, FEW_TRIES, is_ill=True)
    assert is_committed(carried, id_of(0))
    assert len(carried.waits_s) == 15


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (ScriptedLedger(endorse=ILL * 5), "PEER_UNAVAILABLE"),
        (ScriptedLedger(endorse=[not_endorsed("ENDORSEMENT_MISMATCH")] * 5), "ENDORSEMENT_MISMATCH"),
        (ScriptedLedger(submit=[submit_failed(may_be_on_ledger=True)] * 5), "TIMEOUT"),
        (ScriptedLedger(status=[unknown] * 5), "NOT_IN_A_BLOCK"),
        (ScriptedLedger(endorse=[duplicate] * 5, held=[nothing] * 5), "DUPLICATE_TRANSACTION"),
        (ScriptedLedger(endorse=[duplicate] * 5, held=[unknown] * 5), "NOT_IN_A_BLOCK"),
    ],
)
def test_tries_without_progress_end_parked_when_others_get_through(script: ScriptedLedger, code: str) -> None:
    carried = carry(script, FEW_TRIES)
    outcome = carried.outcome
    assert (outcome.kind, outcome.error_code, outcome.transaction_id) == (OutcomeKind.PARKED, code, id_of(0))
    assert (outcome.error or "").startswith("parked after 4 tries without progress, may be on the ledger: ")
    assert carried.ending.dead_letter_kind is DeadLetterKind.UNKNOWN
    assert carried.ending.transaction_ids == (id_of(0),)
    assert carried.ending.first_at == TAKEN_AT
    assert len(carried.waits_s) == 3


def test_a_step_forward_starts_the_count_anew() -> None:
    script = ScriptedLedger(
        endorse=ILL, submit=[submit_failed(may_be_on_ledger=True)] * 3, status=[unknown] * 3 + [rejected(MVCC)]
    )
    script.endorse = [*ILL, ok, *ILL]
    carried = carry(script, FEW_TRIES)
    assert is_committed(carried, id_of(1))


@pytest.mark.parametrize("is_ill", [False, True])
def test_overload_narrows_the_window_and_counts_no_try(is_ill: bool) -> None:
    carried = carry(ScriptedLedger(endorse=[not_endorsed("OVERLOADED")] * 9), FEW_TRIES, is_ill=is_ill)
    assert is_committed(carried, id_of(0))
    assert carried.health.told[:9] == [("overloaded", None)] * 9
    assert carried.noticed == [("OVERLOADED", Verdict.WAIT_FOR_IDENTITY)] * 9


def test_every_answer_of_a_step_tells_how_the_identity_is() -> None:
    script = ScriptedLedger(
        endorse=[not_endorsed("TIMEOUT"), ok, endorse_failed(refused=True)],
        submit=[submit_failed(may_be_on_ledger=True)],
        status=[unknown, rejected(MVCC)],
    )
    assert carry(script).health.told == [
        ("ill", Asked.ENDORSE),
        ("well", Asked.ENDORSE),
        ("ill", Asked.SUBMIT),
        ("well", Asked.SUBMIT),
        ("ill", Asked.COMMIT),
        ("well", Asked.SUBMIT),
        ("well", Asked.COMMIT),
        ("well", Asked.ENDORSE),
    ]


def test_a_commit_is_a_success_and_a_look_up_tells_of_its_own_step() -> None:
    assert carry(ScriptedLedger()).health.told[-2:] == [("well", Asked.COMMIT), ("succeeded", None)]
    told = carry(ScriptedLedger(endorse=[duplicate] * 2, held=[unknown, entry()])).health.told
    assert told == [
        ("well", Asked.ENDORSE),
        ("ill", Asked.LOOK_UP),
        ("well", Asked.ENDORSE),
        ("well", Asked.LOOK_UP),
    ]


def test_a_chaincode_that_says_wait_burns_nothing_and_fails_nothing() -> None:
    ledger = ScriptedLedger(endorse=[PAUSED] * 50)
    carried = carry(ledger, Limits(max_attempts=1, max_tries=1, max_refusals=1))
    assert is_committed(carried, id_of(0))
    assert carried.outcome.attempts == 1
    assert len(carried.waits_s) == 50
    assert carried.noticed == [("CHAINCODE_REFUSED", Verdict.WAIT)] * 50


def test_that_a_command_is_held_is_told_once_with_the_reason() -> None:
    reported = carry(ScriptedLedger(endorse=[PAUSED] * 5)).reported
    assert [outcome.kind for outcome in reported] == [OutcomeKind.WAITING, OutcomeKind.SUBMITTED]
    waiting = reported[0]
    said = (waiting.error_code, waiting.error, waiting.transaction_id)
    assert said == ("CHAINCODE_REFUSED", "system is paused", None)


def test_a_refusal_that_may_pass_is_asked_again_up_to_its_limit() -> None:
    carried = carry(ScriptedLedger(endorse=[BUSY] * 2), Limits(max_refusals=3, max_tries=1))
    assert is_committed(carried, id_of(0))
    ledger = ScriptedLedger(endorse=[BUSY] * 9)
    failed = carry(ledger, Limits(max_refusals=3, max_tries=1))
    assert (failed.outcome.kind, failed.outcome.error) == (OutcomeKind.FAILED, "state database is busy")
    assert failed.ending.dead_letter_kind is DeadLetterKind.REFUSED
    assert ledger.steps == [Step.ENDORSE] * 3


@pytest.mark.parametrize(
    ("conflicts", "told_of"), [(0, [0]), (1, [0, 1]), (2, [0, 1]), (3, [0, 1, 3]), (20, [0, 1, 3, 7, 15])]
)
def test_news_of_attempts_grow_rarer_the_more_there_are(conflicts: int, told_of: list[int]) -> None:
    carried = carry(ScriptedLedger(status=[rejected(MVCC)] * conflicts))
    assert [outcome.transaction_id for outcome in carried.reported] == [id_of(attempt) for attempt in told_of]
    assert [outcome.attempts for outcome in carried.reported] == [attempt + 1 for attempt in told_of]


JUST_BEFORE = COMMAND.routed_at
LONG_BEFORE = COMMAND.routed_at - timedelta(minutes=10)


def refusals(count: int, then: Answer = ok) -> ScriptedLedger:
    return ScriptedLedger(endorse=[endorse_failed(refused=True)] * count + [then] * 400, held=[nothing] * 400)


def test_a_refusal_of_a_fresh_command_costs_no_look_up() -> None:
    for alone_since in (None, LONG_BEFORE):
        ledger = refusals(1)
        carried = carry(ledger, alone_since=alone_since)
        assert carried.outcome.kind is OutcomeKind.FAILED
        assert ledger.steps == [Step.ENDORSE]


def test_a_redelivered_command_that_is_not_refused_costs_no_look_up() -> None:
    ledger = ScriptedLedger()
    assert is_committed(carry(ledger, alone_since=TAKEN_AT), id_of(0))
    assert Step.LOOK_UP not in ledger.steps


def test_a_refusal_of_a_redelivered_command_counts_when_what_others_submitted_has_settled() -> None:
    ledger = refusals(2)
    carried = carry(ledger, alone_since=JUST_BEFORE)
    assert carried.outcome.kind is OutcomeKind.FAILED
    assert ledger.steps[0] is Step.ENDORSE
    assert ledger.steps[-2:] == [Step.LOOK_UP, Step.ENDORSE]
    assert len(ledger.at(Step.LOOK_UP)) > 20
    assert carried.outcome.happened_at >= JUST_BEFORE + timedelta(minutes=1)


def test_once_everything_has_settled_a_refusal_costs_one_look_up() -> None:
    ledger = refusals(2)
    carried = carry(ledger, alone_since=JUST_BEFORE, settle_s=0.0)
    assert carried.outcome.kind is OutcomeKind.FAILED
    assert ledger.steps == [Step.ENDORSE, Step.LOOK_UP, Step.ENDORSE]
    assert carried.waits_s == []


def test_what_another_process_submitted_is_found_behind_a_refusal() -> None:
    ledger = ScriptedLedger(endorse=[endorse_failed(refused=True)], held=[nothing, unknown, nothing, entry()])
    assert is_committed(carry(ledger, alone_since=TAKEN_AT), id_of(0))
    assert ledger.at(Step.SUBMIT) == []


def test_every_attempt_of_a_redelivered_command_is_looked_up_before_its_refusal_counts() -> None:
    ledger = ScriptedLedger(
        endorse=[duplicate, endorse_failed(refused=True)], held=[entry(MVCC), *[nothing] * 3, entry()]
    )
    carried = carry(ledger, alone_since=TAKEN_AT)
    assert is_committed(carried, id_of(1))


def test_a_held_command_that_another_process_may_have_submitted_is_looked_up_before_it_says_so() -> None:
    ledger = ScriptedLedger(endorse=[PAUSED], held=[nothing, entry()])
    carried = carry(ledger, alone_since=TAKEN_AT)
    assert is_committed(carried, id_of(0))
    assert carried.reported == []
