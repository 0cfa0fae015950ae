"""What an outbox table must do, whoever keeps it: the fake and the one in Postgres pass the same suite."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.postgres.rows import NewCommand, Row
from streams.stages.write_back import FINAL, RowStatus, RowUpdate

AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
NUMBERS = itertools.count()


class Outbox(Protocol):
    def insert(self, command: NewCommand) -> None: ...

    def lock(self, command_id: str) -> None:
        """LOCKED, as a polling worker leaves a row that it has taken."""
        ...

    def apply(self, updates: Sequence[RowUpdate]) -> set[str]: ...

    def rows(self, command_ids: Sequence[str]) -> dict[str, Row]: ...


def inserted(outbox: Outbox) -> str:
    command_id = str(uuid.uuid4())
    new = NewCommand(
        command_id=command_id,
        tenant_id="default",
        service="contract",
        command_type="MINT",
        request_id=f"request {next(NUMBERS)} {command_id}",
        payload='{"amount": 1}',
    )
    outbox.insert(new)
    return command_id


def update(command_id: str, status: RowStatus, **changes: object) -> RowUpdate:
    blank = RowUpdate(
        command_id=command_id,
        status=status,
        attempts=1,
        transaction_id=None,
        block_number=None,
        error_code=None,
        error=None,
        submitted_at=None,
    )
    return replace(blank, **changes)  # type: ignore[arg-type]


UPDATES = st.builds(
    update,
    st.just(""),
    st.sampled_from([RowStatus.PENDING, RowStatus.SUBMITTED, RowStatus.FAILED, RowStatus.COMMITTED]),
    attempts=st.integers(0, 3),
    transaction_id=st.sampled_from([None, "t-0", "t-1"]),
    block_number=st.sampled_from([None, 0, 7]),
    error_code=st.sampled_from([None, "BUG"]),
    error=st.sampled_from([None, "parked"]),
    submitted_at=st.sampled_from([None, AT]),
)


def shown(row: Row) -> tuple[object, ...]:
    """What the sink writes of a row."""
    return (
        row.status,
        row.attempts,
        row.transaction_id,
        row.block_number,
        row.submitted_at,
        row.error_code,
        row.error,
    )


class OutboxContract:
    """Subclasses give the fixture `outbox`."""

    def test_a_new_row_is_pending(self, outbox: Outbox) -> None:
        row = outbox.rows([inserted(outbox)]).popitem()[1]
        assert shown(row) == ("PENDING", 0, None, None, None, None, None)

    def test_a_row_that_is_not_there_is_not_returned_and_not_made(self, outbox: Outbox) -> None:
        assert outbox.apply([update("nobody", RowStatus.COMMITTED)]) == set()
        assert outbox.rows(["nobody"]) == {}

    def test_an_update_tells_which_rows_it_changed(self, outbox: Outbox) -> None:
        first, second = inserted(outbox), inserted(outbox)
        assert outbox.apply([update(second, RowStatus.FAILED, error="no")]) == {second}
        assert outbox.apply([update(i, RowStatus.COMMITTED, block_number=3) for i in (first, second)]) == {first}

    def test_what_is_known_of_a_transaction_is_kept(self, outbox: Outbox) -> None:
        command_id = inserted(outbox)
        outbox.apply([update(command_id, RowStatus.SUBMITTED, transaction_id="t", submitted_at=AT)])
        outbox.apply([update(command_id, RowStatus.COMMITTED, block_number=0)])
        assert shown(outbox.rows([command_id])[command_id]) == ("COMMITTED", 1, "t", 0, AT, None, None)

    @pytest.mark.parametrize("status", ["PENDING", "LOCKED"])
    def test_a_row_of_a_command_that_is_held_back_keeps_its_status_and_says_why(
        self, outbox: Outbox, status: str
    ) -> None:
        command_id = inserted(outbox)
        if status == "LOCKED":
            outbox.lock(command_id)
        waiting = update(command_id, RowStatus.PENDING, attempts=0, error_code="HELD", error="system is paused")
        assert outbox.apply([waiting]) == {command_id}
        assert shown(outbox.rows([command_id])[command_id]) == (status, 0, None, None, None, "HELD", "system is paused")
        assert outbox.apply([waiting]) == set()
        outbox.apply([update(command_id, RowStatus.SUBMITTED, transaction_id="t")])
        assert shown(outbox.rows([command_id])[command_id]) == ("SUBMITTED", 1, "t", None, None, None, None)

    @pytest.mark.parametrize("status", [RowStatus.SUBMITTED, RowStatus.FAILED, RowStatus.COMMITTED])
    def test_late_news_that_a_command_was_held_back_changes_nothing(self, outbox: Outbox, status: RowStatus) -> None:
        command_id = inserted(outbox)
        outbox.apply([update(command_id, status, transaction_id="t")])
        before = outbox.rows([command_id])
        assert outbox.apply([update(command_id, RowStatus.PENDING, error="system is paused")]) == set()
        assert outbox.rows([command_id]) == before

    def test_a_redrive_changes_a_failed_row_and_no_committed_one(self, outbox: Outbox) -> None:
        failed, committed = inserted(outbox), inserted(outbox)
        ends = [update(failed, RowStatus.FAILED, error="no"), update(committed, RowStatus.COMMITTED)]
        outbox.apply(ends)
        for status in (RowStatus.PENDING, RowStatus.SUBMITTED, RowStatus.FAILED, RowStatus.COMMITTED):
            tried = [update(i, status, error="again", is_redrive=True) for i in (failed, committed)]
            assert outbox.apply(tried) == (set() if status == RowStatus.PENDING else {failed})
            assert outbox.rows([failed])[failed].status == (status if status != RowStatus.PENDING else "FAILED")
        assert outbox.rows([committed])[committed].error is None

    def test_of_several_updates_of_a_command_each_is_written_in_its_turn(self, outbox: Outbox) -> None:
        command_id = inserted(outbox)
        failed = update(command_id, RowStatus.FAILED, transaction_id="t", attempts=2, error="no")
        again = update(command_id, RowStatus.COMMITTED, block_number=5, is_redrive=True)
        assert outbox.apply([failed, again, update(command_id, RowStatus.FAILED)]) == {command_id}
        assert shown(outbox.rows([command_id])[command_id]) == ("COMMITTED", 2, "t", 5, None, None, None)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(UPDATES, max_size=6))
    def test_a_status_never_goes_back_and_a_final_row_never_changes(
        self, outbox: Outbox, updates: list[RowUpdate]
    ) -> None:
        command_id = inserted(outbox)
        before = outbox.rows([command_id])[command_id]
        for news in updates:
            changed = outbox.apply([replace(news, command_id=command_id)])
            after = outbox.rows([command_id])[command_id]
            assert (shown(before) != shown(after)) <= (changed == {command_id})
            if before.status in FINAL:
                assert after == before
            assert not (before.status == "SUBMITTED" and after.status == "PENDING")
            before = after
