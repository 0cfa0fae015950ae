"""What a repair publishes: what the ledger says, and never the opposite."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from streams.messages import Outcome, OutcomeKind
from streams.operations.reconcile.facts import Told
from streams.operations.reconcile.findings import Finding
from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.remedies import told
from streams.operations.reconcile.repair import UNCURED, outcome_of
from streams.operations.truth import NotThere, Refused

NOW = datetime.now(UTC)
FOUND = Finding(
    kind=Kind.OUTCOME_DISAGREES_WITH_ROW,
    command_id="c",
    transaction_id="t",
    status="SUBMITTED",
    seen="seen",
    remedy=Remedy.WRITE,
)


def outcome(kind: OutcomeKind, command_id: str = "c") -> Outcome:
    return Outcome(
        command_id=command_id, command_type="T", kind=kind, error="no funds", attempts=2, worker="w", happened_at=NOW
    )


def published(found: Finding, record: Outcome | None) -> tuple[str, str | None] | None:
    """(kind, error code or text) of what would be published if the results held `record` where it was told."""
    made = outcome_of(found, lambda _: record, lambda: NOW)
    return None if made is None else (made.kind.value, made.error_code or made.error)


@pytest.mark.parametrize("kind", [OutcomeKind.COMMITTED, OutcomeKind.FAILED])
def test_what_is_valid_is_a_commit_whatever_was_told(kind: OutcomeKind) -> None:
    found = replace(FOUND, block_number=7, told_at=str(Told(kind, 0, 0)))
    assert published(found, outcome(kind)) == ("committed", None)


def test_a_commit_that_was_told_and_that_the_ledger_refuses_is_a_failure() -> None:
    found = replace(FOUND, truth=told(Refused("BAD_PAYLOAD")), told_at=str(Told(OutcomeKind.COMMITTED, 0, 0)))
    assert published(found, outcome(OutcomeKind.COMMITTED)) == ("failed", UNCURED)


def test_a_failure_is_told_in_the_words_of_its_worker() -> None:
    failed = replace(FOUND, truth=told(NotThere()), told_at=str(Told(OutcomeKind.FAILED, 0, 0)))
    assert published(failed, outcome(OutcomeKind.FAILED)) == ("failed", "no funds")


@pytest.mark.parametrize("record", [None, outcome(OutcomeKind.COMMITTED), outcome(OutcomeKind.FAILED, "another")])
def test_what_neither_the_ledger_nor_a_record_proves_is_not_written(record: Outcome | None) -> None:
    failed = replace(FOUND, truth=told(NotThere()), told_at=str(Told(OutcomeKind.FAILED, 0, 0)))
    assert published(failed, record) is None
    assert published(replace(failed, told_at=str(Told(OutcomeKind.COMMITTED, 0, 0))), record) is None
