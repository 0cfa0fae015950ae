"""What a batch of outcomes makes of the rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.messages import Outcome, OutcomeKind
from streams.stages.write_back import ERROR_LENGTH, RowStatus, RowUpdate, write_back

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAITING, SUBMITTED, PARKED, FAILED, COMMITTED = OutcomeKind
FINAL = {RowStatus.FAILED, RowStatus.COMMITTED}


def outcome(
    kind: OutcomeKind, command_id: str = "c-1", *, error: str | None = None, attempts: int = 1, redriven: bool = False
) -> Outcome:
    return Outcome(
        command_id=command_id,
        command_type="MINT",
        kind=kind,
        transaction_id="ab" * 32,
        block_number=7,
        error_code="CODE" if error else None,
        error=error,
        attempts=attempts,
        stages={"created": AT.replace(year=2025), "submitted": AT},
        redriven_by="replay" if redriven else None,
        worker="w",
        happened_at=AT.replace(year=2027),
    )


def one_update(*outcomes: Outcome) -> RowUpdate:
    (update,) = write_back(outcomes)
    return update


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (SUBMITTED, RowStatus.SUBMITTED),
        (PARKED, RowStatus.SUBMITTED),
        (FAILED, RowStatus.FAILED),
        (COMMITTED, RowStatus.COMMITTED),
    ],
)
def test_a_row_shows_what_is_known(kind: OutcomeKind, status: RowStatus) -> None:
    assert one_update(outcome(kind, error="why", attempts=3)) == RowUpdate(
        command_id="c-1",
        status=status,
        attempts=3,
        transaction_id="ab" * 32,
        block_number=7,
        error_code="CODE",
        error="why",
        submitted_at=AT,
    )


def test_an_outcome_of_a_command_that_was_never_submitted_leaves_the_time_open() -> None:
    never_sent = Outcome(command_id="c-1", command_type="MINT", kind=FAILED, worker="w", happened_at=AT)
    update = one_update(never_sent)
    assert (update.submitted_at, update.transaction_id, update.attempts) == (None, None, 0)


@pytest.mark.parametrize(
    ("kinds", "winner"),
    [
        ((SUBMITTED, COMMITTED), 1),
        ((COMMITTED, SUBMITTED), 0),
        ((FAILED, PARKED), 0),
        ((SUBMITTED, PARKED, FAILED), 2),
        ((SUBMITTED, PARKED), 1),
        ((SUBMITTED, SUBMITTED), 1),
        ((PARKED, SUBMITTED, PARKED), 2),
        ((COMMITTED, COMMITTED), 0),
        ((COMMITTED, FAILED), 0),
        ((FAILED, COMMITTED), 0),
        ((SUBMITTED, WAITING), 0),
        ((WAITING, SUBMITTED), 1),
        ((WAITING, SUBMITTED, WAITING), 1),
        ((COMMITTED, WAITING), 0),
    ],
)
def test_the_first_final_outcome_of_a_batch_counts_else_the_last(kinds: tuple[OutcomeKind, ...], winner: int) -> None:
    batch = [outcome(kind, attempts=position) for position, kind in enumerate(kinds)]
    assert one_update(*batch).attempts == winner


def test_each_command_is_updated_once_in_the_order_of_first_appearance() -> None:
    batch = [outcome(SUBMITTED, "b"), outcome(SUBMITTED, "a"), outcome(COMMITTED, "b"), outcome(FAILED, "c")]
    updates = [(update.command_id, update.status) for update in write_back(batch)]
    assert updates == [("b", RowStatus.COMMITTED), ("a", RowStatus.SUBMITTED), ("c", RowStatus.FAILED)]


def test_a_command_that_is_held_back_says_why_and_nothing_of_a_transaction() -> None:
    assert one_update(outcome(WAITING, error="system is paused", attempts=2)) == RowUpdate(
        command_id="c-1",
        status=RowStatus.PENDING,
        attempts=0,
        transaction_id=None,
        block_number=None,
        error_code="CODE",
        error="system is paused",
        submitted_at=None,
    )


def test_the_newest_reason_counts_while_a_command_is_held_back() -> None:
    reasons = [outcome(WAITING, error="system is paused"), outcome(WAITING, error="behind a parked command")]
    assert one_update(*reasons).error == "behind a parked command"


def test_what_came_before_a_redrive_is_an_update_of_its_own() -> None:
    batch = [outcome(FAILED), outcome(SUBMITTED, redriven=True), outcome(COMMITTED, redriven=True), outcome(FAILED)]
    updates = [(update.status, update.is_redrive) for update in write_back(batch)]
    assert updates == [(RowStatus.FAILED, False), (RowStatus.COMMITTED, True)]


def test_a_redrive_that_fails_and_is_tried_again_is_one_update() -> None:
    batch = [outcome(FAILED, redriven=True), outcome(WAITING, redriven=True), outcome(SUBMITTED, redriven=True)]
    assert [update.status for update in write_back(batch)] == [RowStatus.SUBMITTED]


def test_nothing_becomes_nothing() -> None:
    assert write_back([]) == []


BATCHES = st.lists(st.builds(outcome, st.sampled_from(OutcomeKind), st.sampled_from("ab")), max_size=12)


@given(BATCHES, st.data())
def test_a_status_does_not_depend_on_where_a_batch_was_cut(batch: list[Outcome], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(batch)))
    rows: dict[str, RowStatus] = {}
    for update in (*write_back(batch[:cut]), *write_back(batch[cut:])):
        known = rows.get(update.command_id)
        if known not in FINAL and (known, update.status) != (RowStatus.SUBMITTED, RowStatus.PENDING):
            rows[update.command_id] = update.status  # as the guard of the UPDATE has it
    assert rows == {update.command_id: update.status for update in write_back(batch)}


@given(BATCHES, st.sampled_from(OutcomeKind))
def test_a_status_never_goes_back_within_a_batch(batch: list[Outcome], later: OutcomeKind) -> None:
    before = {update.command_id: update.status for update in write_back(batch)}
    for update in write_back([*batch, outcome(later, "a"), outcome(later, "b")]):
        assert before.get(update.command_id) not in FINAL or update.status == before[update.command_id]


def test_a_long_error_text_is_cut() -> None:
    update = one_update(outcome(FAILED, error="é" * (ERROR_LENGTH + 1)))
    assert update.error == "é" * ERROR_LENGTH


@given(st.text(st.characters()))
@example("no\0 \ud800")
def test_any_error_text_can_be_stored(text: str) -> None:
    stored = one_update(outcome(FAILED, error=text or None)).error
    assert (stored is None) == (not text)
    utf_8 = (stored or "").encode()  # refuses lone surrogates
    assert b"\0" not in utf_8


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=ERROR_LENGTH))
def test_an_error_text_that_postgres_takes_is_kept_as_it_is(text: str) -> None:
    assert one_update(outcome(FAILED, error=text)).error == text


def test_a_batch_keeps_what_an_earlier_outcome_knew() -> None:
    parked = replace(outcome(PARKED, error="a bug"), transaction_id=None, block_number=None, stages={}, attempts=0)
    update = one_update(outcome(SUBMITTED), parked)
    assert (update.transaction_id, update.submitted_at, update.attempts) == ("ab" * 32, AT, 1)
    assert update.error == "a bug"


def test_news_of_a_parked_command_clears_its_error() -> None:
    assert one_update(outcome(PARKED, error="a bug"), outcome(SUBMITTED)).error is None
