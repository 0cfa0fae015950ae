"""The statements of the outbox on a real Postgres, under the names of both shipped profiles."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from neighbours import Outbox
from psycopg import sql

from streams.messages import Outcome, OutcomeKind
from streams.postgres.ddl import ddl_command_types
from streams.postgres.rows import apply_updates, command_types, count_by_status
from streams.stages.write_back import ERROR_LENGTH, RowStatus, write_back

AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
SUBMITTED = Outcome(
    command_id="",
    command_type="TRANSFER_TOKENS",
    kind=OutcomeKind.SUBMITTED,
    identity="org1-admin",
    transaction_id="transaction of attempt 1",
    attempts=1,
    stages={"submitted": AT},
    worker="test",
    happened_at=AT,
)
OUTCOMES = {
    "waiting": replace(SUBMITTED, kind=OutcomeKind.WAITING, error_code="REFUSED", error="system is paused"),
    "submitted": SUBMITTED,
    "parked": replace(SUBMITTED, kind=OutcomeKind.PARKED, error_code="BUG", error="parked by a bug"),
    "failed": replace(SUBMITTED, kind=OutcomeKind.FAILED, error_code="CHAINCODE_REFUSED", error="insufficient funds"),
    "committed": replace(SUBMITTED, kind=OutcomeKind.COMMITTED, block_number=2**40),
}
# Row, outcome -> row. What is not here leaves the row as it is, to the last column.
TRANSITIONS = {
    ("PENDING", "waiting"): "PENDING",
    ("LOCKED", "waiting"): "LOCKED",
    ("PENDING", "submitted"): "SUBMITTED",
    ("PENDING", "parked"): "SUBMITTED",
    ("PENDING", "failed"): "FAILED",
    ("PENDING", "committed"): "COMMITTED",
    ("LOCKED", "submitted"): "SUBMITTED",
    ("LOCKED", "parked"): "SUBMITTED",
    ("LOCKED", "failed"): "FAILED",
    ("LOCKED", "committed"): "COMMITTED",
    ("SUBMITTED", "parked"): "SUBMITTED",
    ("SUBMITTED", "failed"): "FAILED",
    ("SUBMITTED", "committed"): "COMMITTED",
}


def apply(outbox: Outbox, *outcomes: Outcome) -> set[str]:
    """What the sink does with a batch, as the role that the sink has."""
    with psycopg.connect(outbox.sink_dsn) as connection:
        return apply_updates(connection, outbox.profile, write_back(outcomes))


def set_status(outbox: Outbox, command_id: str, status: str) -> None:
    names = {"table": sql.Identifier(outbox.profile.schema, outbox.profile.table)}
    names |= {name: sql.Identifier(outbox.profile.columns[name]) for name in ("id", "status")}
    with outbox.connect() as connection:
        update = sql.SQL("UPDATE {table} SET {status} = %s WHERE {id} = %s").format(**names)
        assert connection.execute(update, (status, command_id)).rowcount == 1


@pytest.mark.parametrize("status", list(RowStatus))
@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_row_only_ever_goes_forward(outbox: Outbox, status: RowStatus, kind: str) -> None:
    command_id = outbox.insert()
    if status == RowStatus.SUBMITTED:
        apply(outbox, replace(OUTCOMES["submitted"], command_id=command_id))
    else:
        set_status(outbox, command_id, status)
    before = outbox.row(command_id)

    changed = apply(outbox, replace(OUTCOMES[kind], command_id=command_id))

    after = outbox.row(command_id)
    if (status, kind) in TRANSITIONS:
        assert changed == {command_id}
        assert after.status == TRANSITIONS[status, kind]
        assert (after.error_code, after.error) == (OUTCOMES[kind].error_code, OUTCOMES[kind].error)
        transaction_id = None if kind == "waiting" else "transaction of attempt 1"
        assert (after.transaction_id, after.block_number) == (transaction_id, OUTCOMES[kind].block_number)
        assert after.updated_at > before.updated_at
    else:
        assert changed == set()
        assert after == before


@pytest.mark.parametrize("kind", ["committed", "failed"])
def test_no_later_outcome_changes_a_final_row(outbox: Outbox, kind: str) -> None:
    command_id = outbox.insert()
    apply(outbox, replace(OUTCOMES[kind], command_id=command_id))
    final = outbox.row(command_id)

    for later in OUTCOMES.values():
        assert apply(outbox, replace(later, command_id=command_id, attempts=7, transaction_id="another")) == set()
    assert outbox.row(command_id) == final


def test_a_submitted_row_shows_the_transaction_of_the_newest_attempt(outbox: Outbox) -> None:
    command_id = outbox.insert()
    for attempt in (1, 2):
        news = replace(SUBMITTED, command_id=command_id, attempts=attempt, transaction_id=f"transaction {attempt}")
        assert apply(outbox, news) == {command_id}

    row = outbox.row(command_id)
    assert (row.status, row.attempts, row.transaction_id) == ("SUBMITTED", 2, "transaction 2")


def test_a_committed_row_keeps_what_was_known_when_it_was_submitted(outbox: Outbox) -> None:
    command_id = outbox.insert()
    apply(outbox, replace(OUTCOMES["submitted"], command_id=command_id, attempts=3))
    late = replace(OUTCOMES["committed"], command_id=command_id, attempts=1, transaction_id=None, stages={})
    apply(outbox, late)

    row = outbox.row(command_id)
    assert (row.status, row.attempts, row.transaction_id) == ("COMMITTED", 3, "transaction of attempt 1")
    assert (row.submitted_at, row.block_number) == (AT, 2**40)


def test_a_command_that_was_parked_and_is_committed_after_all_shows_no_error(outbox: Outbox) -> None:
    command_id = outbox.insert()
    apply(outbox, replace(OUTCOMES["parked"], command_id=command_id))
    apply(outbox, replace(OUTCOMES["committed"], command_id=command_id))

    row = outbox.row(command_id)
    assert (row.status, row.error_code, row.error) == ("COMMITTED", None, None)


def test_a_command_that_was_held_back_and_goes_on_shows_no_error(outbox: Outbox) -> None:
    for kind in ("submitted", "committed"):
        command_id = outbox.insert()
        assert apply(outbox, replace(OUTCOMES["waiting"], command_id=command_id)) == {command_id}
        assert apply(outbox, replace(OUTCOMES["waiting"], command_id=command_id)) == set()
        apply(outbox, replace(OUTCOMES[kind], command_id=command_id))
        row = outbox.row(command_id)
        assert (row.status, row.error_code, row.error) == (kind.upper(), None, None)


def test_a_row_that_a_polling_worker_has_locked_stays_locked_while_its_command_is_held_back(outbox: Outbox) -> None:
    columns = {name: sql.Identifier(outbox.profile.columns[name]) for name in ("id", "locked_by", "locked_at")}
    table = sql.Identifier(outbox.profile.schema, outbox.profile.table)
    lock = sql.SQL("UPDATE {table} SET {locked_by} = 'poller', {locked_at} = now() WHERE {id} = %s")
    holders = sql.SQL("SELECT {locked_by}, {locked_at} IS NULL FROM {table} WHERE {id} = %s")
    command_id = outbox.insert()
    set_status(outbox, command_id, "LOCKED")
    with outbox.connect() as connection:
        connection.execute(lock.format(table=table, **columns), (command_id,))
        for kind, expected in {"waiting": ("poller", False), "submitted": (None, True)}.items():
            apply(outbox, replace(OUTCOMES[kind], command_id=command_id))
            assert connection.execute(holders.format(table=table, **columns), (command_id,)).fetchone() == expected


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a NUL \0 within", "a NUL \ufffd within"),
        ("half a pair \ud83d", "half a pair ?"),
        ("ä" * (ERROR_LENGTH + 1), "ä" * ERROR_LENGTH),
        ("'; DROP TABLE outbox_commands; --", "'; DROP TABLE outbox_commands; --"),
        ("", ""),
    ],
)
def test_any_error_text_can_be_stored(outbox: Outbox, text: str, stored: str) -> None:
    command_id = outbox.insert()
    apply(outbox, replace(OUTCOMES["failed"], command_id=command_id, error=text))
    assert outbox.row(command_id).error == stored


def test_a_batch_of_500_is_written_at_once(outbox: Outbox) -> None:
    command_ids = outbox.insert_many(500)
    kinds = [OUTCOMES[kind] for kind in ("committed", "failed", "submitted")]
    batch = [replace(kinds[number % 3], command_id=command_id) for number, command_id in enumerate(command_ids)]

    assert apply(outbox, *batch) == set(command_ids)
    rows = outbox.rows(*command_ids)
    expected = ["COMMITTED", "FAILED", "SUBMITTED"]
    assert [rows[i].status for i in command_ids] == [expected[number % 3] for number in range(500)]


def test_an_outcome_of_an_unknown_command_changes_nothing_and_holds_nothing_up(outbox: Outbox) -> None:
    command_id = outbox.insert()
    unknown, known = (replace(OUTCOMES["committed"], command_id=i) for i in ("nobody's", command_id))
    assert apply(outbox, unknown, known) == {command_id}
    assert outbox.row(command_id).status == "COMMITTED"


def test_an_inserted_command_is_read_as_it_was_written(outbox: Outbox) -> None:
    payload = {"remark": "Miete für 'Dezember' \\ 100 %s {id}", "amount": 2500000, "share": 7e-8}
    command_id = outbox.insert(payload=json.dumps(payload), tenant_id="tenant", request_id="once", command_type="MINT")

    row = outbox.row(command_id)
    assert json.loads(row.payload) == payload
    assert (row.command_id, row.tenant_id, row.request_id, row.service) == (command_id, "tenant", "once", "test")
    assert (row.command_type, row.status, row.attempts) == ("MINT", "PENDING", 0)
    assert {row.submitted_at, row.transaction_id, row.block_number, row.error_code, row.error} == {None}
    assert row.created_at.tzinfo is not None
    with pytest.raises(psycopg.errors.UniqueViolation):
        outbox.insert(tenant_id="tenant", request_id="once")


def test_rows_that_do_not_exist_are_left_out(outbox: Outbox) -> None:
    command_id = outbox.insert()
    assert list(outbox.rows("nobody's", command_id)) == [command_id]


def test_the_database_tells_the_command_types_that_the_ddl_names(outbox: Outbox) -> None:
    with outbox.connect() as connection:
        assert command_types(connection, outbox.profile) == ddl_command_types(outbox.profile)


def test_rows_are_counted_by_status(outbox: Outbox) -> None:
    with outbox.connect() as connection:
        before = count_by_status(connection, outbox.profile)
        set_status(outbox, outbox.insert(), "LOCKED")
        after = count_by_status(connection, outbox.profile)
    assert after == before | {"LOCKED": before.get("LOCKED", 0) + 1}


def test_the_sink_cannot_change_what_the_service_wrote(outbox: Outbox) -> None:
    as_sink = replace(outbox, dsn=outbox.sink_dsn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_sink.insert()
