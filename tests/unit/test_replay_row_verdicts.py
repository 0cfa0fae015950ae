"""Rows without an event: only what nobody can have submitted is emitted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from scripted_ledger import BLOCK, EARLY
from test_truth import Chain

from streams.files import SCHEMAS
from streams.ledger import VALID, Ledger
from streams.operations.replay.row_verdicts import RowJudgement, RowVerdict, judge_row
from streams.operations.replay.table_rows import HeldBack, TableRows
from streams.postgres.profiles import load_profile
from streams.postgres.rows import Row, emitting
from streams.routes.table import load_routes

OF_ANOTHER = "ab" * 32
ROUTES = load_routes(SCHEMAS / "routes.toml")
ROW = Row(
    command_id="c-1",
    tenant_id="default",
    service="svc-tokenomics",
    command_type="TRANSFER_TOKENS",
    request_id="transfer-1",
    payload='{"fromUserId": "a", "toUserId": "b", "amount": 5}',
    status="PENDING",
    attempts=0,
    submitted_at=None,
    transaction_id=None,
    block_number=None,
    error_code=None,
    error=None,
    created_at=EARLY,
    updated_at=EARLY,
)


def judged(row: Row, held: Mapping[str, str] | None = None, silent: str = "") -> RowJudgement:
    chain: Any = Chain(held or {}, silent=silent)
    gateways: Mapping[str, Ledger] = {"org1-admin": chain}
    return asyncio.run(judge_row(row, ROUTES, gateways))


@pytest.mark.parametrize("status", ["PENDING", "LOCKED"])
def test_a_row_that_nobody_submitted_is_emitted(status: str) -> None:
    assert judged(replace(ROW, status=status)) == RowJudgement(RowVerdict.MISSING)


@pytest.mark.parametrize("status", ["PENDING", "LOCKED", "SUBMITTED", "COMMITTED", "FAILED"])
@pytest.mark.parametrize("code", [VALID, "MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE", None])
def test_a_row_that_names_a_transaction_is_never_emitted_whatever_the_ledger_holds(
    status: str, code: str | None
) -> None:
    row = replace(ROW, status=status, transaction_id=OF_ANOTHER)
    found = judged(row, {} if code is None else {OF_ANOTHER: code})
    assert found.verdict is (RowVerdict.ON_LEDGER if code == VALID else RowVerdict.PERSON)
    assert OF_ANOTHER in found.reason


def test_the_block_of_a_named_transaction_that_is_valid_is_told() -> None:
    found = judged(replace(ROW, status="SUBMITTED", transaction_id=OF_ANOTHER), {OF_ANOTHER: VALID})
    assert found.reason.endswith(f"is VALID in block {BLOCK}")


def test_of_a_named_transaction_that_cannot_be_asked_for_nothing_is_known() -> None:
    found = judged(replace(ROW, transaction_id=OF_ANOTHER), silent=OF_ANOTHER)
    assert (found.verdict, "nobody answers" in found.reason) == (RowVerdict.NOT_KNOWN, True)


@pytest.mark.parametrize("status", ["SUBMITTED", "COMMITTED", "FAILED"])
def test_a_row_that_has_left_the_queue_is_left_to_a_person(status: str) -> None:
    found = judged(replace(ROW, status=status))
    assert (found.verdict, status in found.reason) == (RowVerdict.PERSON, True)


def test_a_row_that_the_route_worker_will_refuse_is_emitted_for_it() -> None:
    assert judged(replace(ROW, payload="{}")).verdict is RowVerdict.MISSING


def test_debezium_itself_leaves_out_a_row_that_was_submitted_after_it_was_asked_for() -> None:
    query = emitting(load_profile("camel_case"), ["c-1", "it's"])
    assert "IN ('c-1', 'it''s')" in query
    assert query.count("IN ('PENDING', 'LOCKED') AND ") == 1
    assert query.count(" IS NULL") == 1


def test_rows_are_emitted_in_their_order_and_those_held_back_are_told_with_the_reason() -> None:
    held = HeldBack(command_id="c-9", status="SUBMITTED", transaction_id=OF_ANOTHER, verdict="v", reason="why")
    with TableRows() as rows:
        for number in range(5):
            rows.note_missing(f"c-{number}")
        rows.note_known("c-7")
        rows.hold_back(held)
        assert list(rows.missing(None, 2)) == [["c-0", "c-1"], ["c-2", "c-3"], ["c-4"]]
        assert list(rows.missing(3, 2)) == [["c-0", "c-1"], ["c-2"]]
        assert (rows.is_known("c-7"), rows.is_known("c-1")) == (True, False)
        assert list(rows.held_back()) == [held]
