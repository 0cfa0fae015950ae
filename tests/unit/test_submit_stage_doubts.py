"""The submit stage where the ledger's answers contradict each other or come late."""

from __future__ import annotations

from itertools import pairwise

from carried import carry, is_committed
from scripted_ledger import (
    BLOCK,
    ScriptedLedger,
    already_applied,
    duplicate,
    endorse_failed,
    entry,
    id_of,
    ok,
    rejected,
    says,
    submit_failed,
    unknown,
)

from streams.errors import LedgerError
from streams.messages import DeadLetterKind, OutcomeKind


def broken(_: str) -> LedgerError:
    raise KeyError("a bug of our own")


NO_ANSWER = submit_failed(may_be_on_ledger=True)


def test_submitted_is_reported_when_the_second_submit_of_an_envelope_gets_the_answer() -> None:
    carried = carry(ScriptedLedger(submit=[NO_ANSWER]))
    assert [outcome.kind for outcome in carried.reported] == [OutcomeKind.SUBMITTED]
    assert "submitted" in carried.outcome.stages


def test_the_times_of_a_second_attempt_are_its_own() -> None:
    ledger = ScriptedLedger(submit=[ok, NO_ANSWER], status=[rejected("MVCC_READ_CONFLICT")])
    stages = carry(ledger).outcome.stages
    assert all(earlier < later for earlier, later in pairwise(stages.values()))


def test_duplicate_txid_in_a_block_is_looked_up_and_never_failed() -> None:
    carried = carry(ScriptedLedger(status=[rejected("DUPLICATE_TXID")]))
    assert is_committed(carried, id_of(0))


def test_a_look_up_that_cannot_be_made_is_made_again() -> None:
    carried = carry(ScriptedLedger(endorse=[duplicate, duplicate], held=[endorse_failed(refused=True), entry()]))
    assert is_committed(carried, id_of(0))


def test_an_earlier_transaction_that_is_not_valid_did_not_apply_the_command() -> None:
    carried = carry(ScriptedLedger(endorse=[already_applied], held=[entry("MVCC_READ_CONFLICT")]))
    assert is_committed(carried, id_of(0))
    assert carried.ending.transaction_ids == (id_of(0),)


def test_a_reused_command_id_names_the_block_that_holds_it() -> None:
    carried = carry(ScriptedLedger(endorse=[duplicate], held=[entry(arguments=())]))
    assert carried.outcome.block_number == BLOCK


def test_a_bug_parks_the_command_with_the_ids_that_may_be_on_the_ledger() -> None:
    ledger = ScriptedLedger(status=[rejected("MVCC_READ_CONFLICT"), broken])
    carried = carry(ledger)
    assert (carried.outcome.kind, carried.outcome.error_code) == (OutcomeKind.PARKED, "BUG")
    assert carried.outcome.error == "parked by a bug (KeyError); may be on the ledger"
    assert carried.ending.dead_letter_kind is DeadLetterKind.BUG
    assert carried.ending.transaction_ids == (id_of(0), id_of(1))
    assert isinstance(carried.ending.bug, KeyError)


def test_a_refusal_behind_a_duplicate_comes_from_a_peer_that_lags_and_fails_nothing() -> None:
    for text in ("insufficient funds", "state database is busy", "system is paused"):
        ledger = ScriptedLedger(endorse=[duplicate, *[says(text)] * 5, duplicate], held=[unknown])
        assert is_committed(carry(ledger), id_of(0))
