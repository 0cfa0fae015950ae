"""What follows from each error, and that no error of the tree was forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import (
    AlreadyApplied,
    CommitRejected,
    CommitUnknown,
    DuplicateTransaction,
    EndorseFailed,
    LedgerError,
    SubmitFailed,
)
from streams.fabric.codes import FailureCode
from streams.retry import (
    CONFLICTS,
    IDENTITY_ILL,
    IDENTITY_REFUSED,
    OVERLOADED,
    Backoff,
    Meaning,
    Verdict,
    is_chaincodes_word,
    verdict,
)

ID = "ab" * 32
ABOUT_THE_COMMAND = {
    "CHAINCODE_REFUSED",
    "ALREADY_APPLIED",
    "DUPLICATE_TRANSACTION",
    "ENVELOPE_TOO_LARGE",
    "ARGUMENT_NOT_TEXT",
    "BEING_SIMULATED",
    "ENDORSEMENT_MISMATCH",
    "NOT_FOUND",
}


def endorse_failed(*, refused: bool) -> EndorseFailed:
    return EndorseFailed("text", code="CODE", transaction_id=ID, refused=refused)


def submit_failed(*, may_be_on_ledger: bool, refused: bool) -> SubmitFailed:
    return SubmitFailed("text", code="CODE", transaction_id=ID, may_be_on_ledger=may_be_on_ledger, refused=refused)


def rejected(code: str) -> CommitRejected:
    return CommitRejected("text", code=code, transaction_id=ID, block_number=7)


CASES: list[tuple[LedgerError, Verdict, Verdict]] = [
    # the error; what follows when nothing is open; what follows behind a Submit that is open
    (endorse_failed(refused=True), Verdict.GIVE_UP, Verdict.SAME_TRANSACTION),
    (endorse_failed(refused=False), Verdict.SAME_TRANSACTION, Verdict.SAME_TRANSACTION),
    (DuplicateTransaction("text", code="CODE", transaction_id=ID), Verdict.LOOK_UP, Verdict.LOOK_UP),
    (AlreadyApplied("text", transaction_id=ID, applied_by=ID), Verdict.LOOK_UP, Verdict.LOOK_UP),
    (submit_failed(may_be_on_ledger=False, refused=True), Verdict.GIVE_UP, Verdict.SAME_TRANSACTION),
    (submit_failed(may_be_on_ledger=False, refused=False), Verdict.SAME_TRANSACTION, Verdict.SAME_TRANSACTION),
    (submit_failed(may_be_on_ledger=True, refused=False), Verdict.SAME_TRANSACTION, Verdict.SAME_TRANSACTION),
    (submit_failed(may_be_on_ledger=True, refused=True), Verdict.SAME_TRANSACTION, Verdict.SAME_TRANSACTION),
    (CommitUnknown("text", code="CODE", transaction_id=ID), Verdict.SAME_TRANSACTION, Verdict.SAME_TRANSACTION),
    (rejected("MVCC_READ_CONFLICT"), Verdict.NEW_TRANSACTION, Verdict.NEW_TRANSACTION),
    (rejected("PHANTOM_READ_CONFLICT"), Verdict.NEW_TRANSACTION, Verdict.NEW_TRANSACTION),
    (rejected("ENDORSEMENT_POLICY_FAILURE"), Verdict.GIVE_UP, Verdict.GIVE_UP),
    (rejected("mvcc_read_conflict"), Verdict.GIVE_UP, Verdict.GIVE_UP),
    (LedgerError("text", code="CODE", transaction_id=ID), Verdict.SAME_TRANSACTION, Verdict.SAME_TRANSACTION),
]


def kinds(kind: type[LedgerError]) -> Iterator[type[LedgerError]]:
    yield kind
    for narrower in kind.__subclasses__():
        if narrower.__module__ == LedgerError.__module__:
            yield from kinds(narrower)


def test_every_error_of_the_tree_has_a_case() -> None:
    assert set(kinds(LedgerError)) == {type(error) for error, _, _ in CASES}


@pytest.mark.parametrize(("error", "when_nothing_is_open", "when_a_submit_is_open"), CASES)
def test_an_error_leads_to_its_verdict(
    error: LedgerError, when_nothing_is_open: Verdict, when_a_submit_is_open: Verdict
) -> None:
    assert verdict(error, may_be_on_ledger=False) is when_nothing_is_open
    assert verdict(error, may_be_on_ledger=True) is when_a_submit_is_open


def refused(code: str = "CHAINCODE_REFUSED") -> EndorseFailed:
    return EndorseFailed("text", code=code, transaction_id=ID, refused=True)


def test_every_code_of_the_gateway_is_about_the_command_or_the_identity_or_is_overload() -> None:
    assert {str(code) for code in FailureCode} == ABOUT_THE_COMMAND | IDENTITY_ILL | {OVERLOADED}
    assert not ABOUT_THE_COMMAND & IDENTITY_ILL
    assert IDENTITY_REFUSED < IDENTITY_ILL


@pytest.mark.parametrize("code", sorted({*FailureCode, "SOMETHING_NEW"}))
@pytest.mark.parametrize("is_open", [False, True])
def test_what_is_no_refusal_keeps_the_transaction_and_waits_when_the_identity_is_to_blame(
    code: str, is_open: bool
) -> None:
    expected = Verdict.WAIT_FOR_IDENTITY if code in IDENTITY_ILL | {OVERLOADED} else Verdict.SAME_TRANSACTION
    for error in (
        EndorseFailed("text", code=code, transaction_id=ID, refused=False),
        SubmitFailed("text", code=code, transaction_id=ID, may_be_on_ledger=False),
        SubmitFailed("text", code=code, transaction_id=ID, may_be_on_ledger=True),
        CommitUnknown("text", code=code, transaction_id=ID),
    ):
        for is_in_doubt in (False, True):
            for meaning in Meaning:
                said = verdict(error, may_be_on_ledger=is_open, is_in_doubt=is_in_doubt, meaning=meaning)
                assert said is expected


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (Meaning.REFUSE, Verdict.GIVE_UP),
        (Meaning.WAIT, Verdict.WAIT),
        (Meaning.RETRY, Verdict.SAME_TRANSACTION),
    ],
)
def test_a_chaincodes_refusal_has_the_meaning_of_its_text(meaning: Meaning, expected: Verdict) -> None:
    assert verdict(refused(), may_be_on_ledger=False, meaning=meaning) is expected


@pytest.mark.parametrize("meaning", Meaning)
def test_no_meaning_saves_what_is_not_the_chaincodes_word(meaning: Meaning) -> None:
    error = refused("ARGUMENT_NOT_TEXT")
    assert not is_chaincodes_word(error)
    assert verdict(error, may_be_on_ledger=False, meaning=meaning) is Verdict.GIVE_UP


@pytest.mark.parametrize("meaning", Meaning)
@pytest.mark.parametrize("error", [refused(), submit_failed(may_be_on_ledger=False, refused=True)])
def test_a_refusal_of_what_another_process_may_have_submitted_is_looked_up_first(
    error: LedgerError, meaning: Meaning
) -> None:
    assert verdict(error, may_be_on_ledger=False, is_in_doubt=True, meaning=meaning) is Verdict.LOOK_UP
    assert verdict(error, may_be_on_ledger=True, is_in_doubt=True, meaning=meaning) is Verdict.SAME_TRANSACTION


def test_an_error_that_nobody_thought_of_fails_no_command() -> None:
    class Unforeseen(LedgerError):
        pass

    error = Unforeseen("text", code="CHAINCODE_REFUSED", transaction_id=ID)
    assert verdict(error, may_be_on_ledger=False) is Verdict.SAME_TRANSACTION


@pytest.mark.parametrize("error", [error for error, _, _ in CASES if not isinstance(error, CommitRejected)])
def test_only_a_word_of_the_ledger_ends_or_renews_what_may_be_on_it(error: LedgerError) -> None:
    assert verdict(error, may_be_on_ledger=True) in (Verdict.SAME_TRANSACTION, Verdict.LOOK_UP)


@given(st.text().filter(lambda code: code not in CONFLICTS))
def test_no_other_code_than_a_conflict_leads_to_a_new_transaction(code: str) -> None:
    assert verdict(rejected(code), may_be_on_ledger=True) is not Verdict.NEW_TRANSACTION


def test_the_wait_doubles_up_to_its_cap() -> None:
    backoff = Backoff(base_s=0.1, cap_s=1.0, jitter=lambda _, most: most)
    assert [backoff.wait_s(failures) for failures in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_the_jitter_is_full() -> None:
    bounds: list[tuple[float, float]] = []

    def jitter(least: float, most: float) -> float:
        bounds.append((least, most))
        return 0.25

    assert Backoff(base_s=2.0, cap_s=10.0, jitter=jitter).wait_s(2) == 0.25
    assert bounds == [(0.0, 4.0)]


@given(st.integers(1, 10**9))
def test_any_number_of_failures_has_a_wait(failures: int) -> None:
    assert 0.1 <= Backoff(base_s=0.1, cap_s=10.0, jitter=lambda _, most: most).wait_s(failures) <= 10.0
