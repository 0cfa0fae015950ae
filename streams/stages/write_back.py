"""Outcomes -> row updates: what the rows have to show.

Several outcomes of one command in a batch become one update; from where an operator had it tried again, another one.
Whether the row may still change is decided by the guarded UPDATE (`streams/postgres/write_back.sql`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from streams.messages import Outcome, OutcomeKind


class RowStatus(StrEnum):
    """The status values that consumers of the row know."""

    PENDING = "PENDING"
    LOCKED = "LOCKED"
    SUBMITTED = "SUBMITTED"
    COMMITTED = "COMMITTED"
    FAILED = "FAILED"


_STATUS = {
    OutcomeKind.WAITING: RowStatus.PENDING,
    OutcomeKind.SUBMITTED: RowStatus.SUBMITTED,
    OutcomeKind.PARKED: RowStatus.SUBMITTED,
    OutcomeKind.FAILED: RowStatus.FAILED,
    OutcomeKind.COMMITTED: RowStatus.COMMITTED,
}
FINAL = frozenset({RowStatus.COMMITTED, RowStatus.FAILED})
"""Nothing that arrives later may change them, but that a command that FAILED was tried again by an operator."""

ERROR_LENGTH = 1000
"""Characters of an error text that a row keeps, as the polling worker did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowUpdate:
    """The new content of a row's status columns.

    PENDING is the news of a command that is held back: the row keeps the status it has and shows the error, as long as
    it is PENDING or LOCKED. `is_redrive`: news of a command that an operator had tried again; it may change a FAILED
    row.
    """

    command_id: str
    status: RowStatus
    attempts: int
    transaction_id: str | None
    block_number: int | None
    error_code: str | None
    error: str | None
    submitted_at: datetime | None
    is_redrive: bool = False


def write_back(outcomes: Iterable[Outcome]) -> list[RowUpdate]:
    """Outcomes -> RowUpdates in the order in which they must be written, one per command and one more per redrive.

    The same as writing each outcome on its own, one after the other.
    """
    updates: list[RowUpdate] = []
    newest: dict[str, int] = {}
    for outcome in outcomes:
        news, at = _update(outcome), newest.get(outcome.command_id)
        # What was known before a redrive means nothing to a row that is FAILED already, and the redrive does.
        if at is None or (news.is_redrive and not updates[at].is_redrive):
            newest[outcome.command_id] = len(updates)
            updates.append(news)
        else:
            updates[at] = _merged(updates[at], news)
    return updates


def _merged(known: RowUpdate, news: RowUpdate) -> RowUpdate:
    """What the guarded UPDATE makes of a row that shows `known` when `news` arrives."""
    is_tried_again = known.status == RowStatus.FAILED and news.is_redrive and news.status != RowStatus.PENDING
    if known.status in FINAL and not is_tried_again:
        return known
    if (known.status, news.status) == (RowStatus.SUBMITTED, RowStatus.PENDING):
        return known
    return replace(
        news,
        attempts=max(known.attempts, news.attempts),
        transaction_id=news.transaction_id or known.transaction_id,
        block_number=known.block_number if news.block_number is None else news.block_number,
        submitted_at=news.submitted_at or known.submitted_at,
        is_redrive=news.is_redrive or (known.is_redrive and known.status != RowStatus.PENDING),
    )


def _update(outcome: Outcome) -> RowUpdate:
    # A row that may have gone on meanwhile must learn nothing from a command that is held back but the reason.
    is_news = outcome.kind != OutcomeKind.WAITING
    return RowUpdate(
        command_id=outcome.command_id,
        status=_STATUS[outcome.kind],
        attempts=outcome.attempts if is_news else 0,
        transaction_id=outcome.transaction_id if is_news else None,
        block_number=outcome.block_number if is_news else None,
        error_code=outcome.error_code,
        error=_storable(outcome.error),
        submitted_at=outcome.stages.get("submitted") if is_news else None,
        is_redrive=outcome.redriven_by is not None,
    )


def _storable(text: str | None) -> str | None:
    """Text that Postgres takes: no NUL, no lone surrogates, not too long."""
    if text is None:
        return None
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()[:ERROR_LENGTH]
