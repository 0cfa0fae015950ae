"""Reconciliation of a table, topics and a ledger in which something of every kind does not agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from neighbours import Broker, Database, until
from planted_line import PlantedLine, planted_line

from streams.kafka.groups import ROUTE, submit_group
from streams.messages import OutcomeKind
from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.notebook import open_notebook
from streams.operations.reconcile.repair import publish, wait_until_final
from streams.operations.reconcile.run import CAPTURE_BEHIND, LEDGER_AWAY
from streams.stages.submission.record import ID_REUSED

COMMITTED, FAILED, SUBMITTED = OutcomeKind.COMMITTED, OutcomeKind.FAILED, OutcomeKind.SUBMITTED
PARKED = OutcomeKind.PARKED
OTHER = '{"amount": "2"}'


@pytest.fixture
async def planted(broker: Broker, database: Database, tmp_path: Path) -> AsyncIterator[PlantedLine]:
    async with planted_line(broker, database, tmp_path) as line:
        yield line


async def carried(line: PlantedLine, status: str = "COMMITTED", **row: Any) -> str:
    """A command that went all the way, whatever its row shows now."""
    command_id = line.row(status, **row)
    line.routed(command_id)
    transaction_id = await line.commit(command_id)
    line.told(command_id, SUBMITTED, COMMITTED, transaction_id=transaction_id)
    line.change_row(command_id, status, transaction_id, **{key: row[key] for key in row if key != "transaction_id"})
    return command_id


def refused(line: PlantedLine, status: str = "FAILED", **row: Any) -> str:
    command_id = line.row(status, **row)
    line.routed(command_id)
    line.told(command_id, FAILED)
    return command_id


async def test_a_line_on_which_everything_agrees_has_no_findings(planted: PlantedLine) -> None:
    await carried(planted)
    refused(planted)
    planted.acknowledge()
    report, findings = await planted.reconcile()
    assert (findings, report.rows, report.transactions, report.not_judged) == ([], 2, 1, {})
    assert report.is_clean


async def test_what_is_under_way_is_not_judged(planted: PlantedLine) -> None:
    planted.acknowledge()
    told = planted.row("PENDING")
    planted.routed(told)
    planted.acknowledge(ROUTE, submit_group(planted.bench.identity))
    planted.told(told, COMMITTED)
    planted.routed(planted.row("PENDING"))
    planted.acknowledge(ROUTE)
    planted.event(planted.row("PENDING"))
    assert await planted.found() == set()


Plant: TypeAlias = Callable[[PlantedLine], Coroutine[Any, Any, str]]


async def never_captured(line: PlantedLine) -> str:
    await carried(line)  # so that the line has begun
    return line.row("PENDING")


async def row_deleted(line: PlantedLine) -> str:
    command_id = "0b7d6c7e-0000-0000-0000-000000000000"
    line.event(command_id)
    return command_id


async def lost_by_a_worker(line: PlantedLine) -> str:
    command_id = line.row("PENDING")
    line.routed(command_id)
    return command_id


async def no_outcome_of_a_commit(line: PlantedLine) -> str:
    command_id = line.row("PENDING")
    line.routed(command_id)
    line.change_row(command_id, "COMMITTED", await line.commit(command_id))
    return command_id


async def commit_never_written(line: PlantedLine) -> str:
    return await carried(line, "SUBMITTED")


async def failure_never_written(line: PlantedLine) -> str:
    return refused(line, "PENDING", changed_at_s=0)


async def contradicted(line: PlantedLine) -> str:
    command_id = line.row("FAILED")
    line.routed(command_id)
    line.told(command_id, COMMITTED, transaction_id="a transaction")
    return command_id


async def commit_put_back(line: PlantedLine) -> str:
    return await carried(line, "PENDING")


async def failure_put_back(line: PlantedLine) -> str:
    return refused(line, "PENDING")


async def put_back_with_another_payload(line: PlantedLine) -> str:
    return refused(line, "PENDING", payload=OTHER)


async def parked_and_valid(line: PlantedLine) -> str:
    command_id = line.row("SUBMITTED")
    line.routed(command_id)
    await line.commit(command_id)
    line.told(command_id, SUBMITTED, PARKED)
    return command_id


async def parked_and_not_there(line: PlantedLine) -> str:
    command_id = line.row("SUBMITTED")
    line.routed(command_id)
    line.told(command_id, SUBMITTED, PARKED)
    return command_id


async def committed_by_nobody(line: PlantedLine) -> str:
    command_id = line.row("COMMITTED", transaction_id="0" * 64)
    line.routed(command_id)
    line.told(command_id, COMMITTED, transaction_id="0" * 64)
    return command_id


async def failed_and_valid(line: PlantedLine) -> str:
    command_id = refused(line)
    await line.commit(command_id)
    return command_id


async def committed_without_a_row(line: PlantedLine) -> str:
    return await line.commit("a command that no row has")


@pytest.mark.parametrize(
    ("plant", "kind", "remedy", "truth", "command"),
    [
        (never_captured, Kind.ROW_WITHOUT_EVENT, Remedy.EMIT, None, "streams replay --from-table --command-id {}"),
        (row_deleted, Kind.EVENT_WITHOUT_ROW, Remedy.PERSON, None, ""),
        (
            lost_by_a_worker,
            Kind.EVENT_WITHOUT_OUTCOME,
            Remedy.REPLAY,
            "holds nothing",
            "streams replay --command-id {}",
        ),
        (no_outcome_of_a_commit, Kind.FINAL_ROW_WITHOUT_OUTCOME, Remedy.WRITE, "VALID", ""),
        (commit_never_written, Kind.OUTCOME_DISAGREES_WITH_ROW, Remedy.WRITE, "VALID", ""),
        (failure_never_written, Kind.OUTCOME_DISAGREES_WITH_ROW, Remedy.WRITE, "holds nothing", ""),
        (contradicted, Kind.OUTCOME_DISAGREES_WITH_ROW, Remedy.PERSON, "holds nothing", ""),
        (commit_put_back, Kind.ROW_PUT_BACK, Remedy.WRITE, "VALID", ""),
        (failure_put_back, Kind.ROW_PUT_BACK, Remedy.REPLAY, "holds nothing", "streams replay --include-failed"),
        (put_back_with_another_payload, Kind.PAYLOAD_CHANGED, Remedy.PERSON, None, "streams dead-letters edit {}"),
        (parked_and_valid, Kind.SUBMITTED_LONG_AGO, Remedy.WRITE, "VALID", ""),
        (
            parked_and_not_there,
            Kind.SUBMITTED_LONG_AGO,
            Remedy.REPLAY,
            "holds nothing",
            "streams replay --command-id {}",
        ),
        (committed_by_nobody, Kind.COMMITTED_NOT_ON_LEDGER, Remedy.PERSON, None, ""),
        (failed_and_valid, Kind.FAILED_BUT_ON_LEDGER, Remedy.PERSON, None, "streams dead-letters redrive"),
        (committed_without_a_row, Kind.LEDGER_WITHOUT_ROW, Remedy.PERSON, "VALID", ""),
    ],
)
async def test_what_does_not_agree_is_found_and_the_safe_command_is_named(
    planted: PlantedLine, plant: Plant, kind: Kind, remedy: Remedy, truth: str | None, command: str
) -> None:
    wanted = await plant(planted)
    planted.acknowledge()
    report, findings = await planted.reconcile()
    (found,) = findings
    assert (found.kind, found.command_id or found.transaction_id, found.remedy) == (kind, wanted, remedy)
    assert (found.truth or "").startswith(truth or "")
    assert found.command.startswith(command.format(wanted))
    assert {one: count for one, count in report.counts.items() if count} == {kind: 1}


async def test_a_row_that_capture_has_not_come_to_is_not_judged_until_capture_has_passed_it(
    planted: PlantedLine,
) -> None:
    await carried(planted)
    with planted.slot("somebody_elses"), planted.slot() as catch_up:
        command_id = planted.row("PENDING")
        planted.acknowledge()
        report, _ = await planted.reconcile()
        assert (report.is_clean, report.not_judged) == (True, {CAPTURE_BEHIND: 1})
        catch_up()
        assert await planted.found() == {(Kind.ROW_WITHOUT_EVENT, command_id)}


async def test_a_command_that_found_its_id_taken_is_rightly_failed(planted: PlantedLine) -> None:
    command_id = refused(planted)
    transaction_id = await planted.commit(command_id)
    planted.change_row(command_id, "FAILED", transaction_id, error_code=ID_REUSED)
    planted.acknowledge()
    assert await planted.found() == set()


async def test_a_ledger_that_is_away_leaves_what_rows_and_topics_tell(planted: PlantedLine) -> None:
    command_id = await lost_by_a_worker(planted)
    planted.acknowledge()
    await planted.bench.network_down()
    report, (found,) = await planted.reconcile()
    assert (found.kind, found.command_id) == (Kind.EVENT_WITHOUT_OUTCOME, command_id)
    assert (found.truth or "").startswith("not known")
    assert report.not_judged == {LEDGER_AWAY: 1}


async def test_a_repair_writes_what_the_ledger_holds_and_nothing_is_left(planted: PlantedLine) -> None:
    committed = [await plant(planted) for plant in (commit_never_written, parked_and_valid, commit_put_back)]
    failed = await failure_never_written(planted)
    unheard = await no_outcome_of_a_commit(planted)
    planted.acknowledge()
    run = planted.reconciliation()
    with open_notebook() as notebook, planted.sink(), planted.outbox.connect() as connection:
        report = await run.run(notebook)
        assert report.remedies == {Remedy.WRITE: 5, Remedy.EMIT: 0, Remedy.REPLAY: 0, Remedy.PERSON: 0}
        (published,) = list(publish(run.parties, notebook.findings()))
        assert set(published) == {*committed, failed, unheard}
        assert wait_until_final(connection, run.parties, published, timeout_s=30) == {}
        until(lambda: planted.sink_lag == 0, "every outcome acknowledged")
    rows = planted.outbox.rows(*published)
    assert {rows[i].status for i in committed} == {"COMMITTED"}
    assert {rows[i].block_number is not None for i in committed} == {True}
    assert (rows[failed].status, rows[failed].error) == ("FAILED", "no funds")
    assert await planted.found() == set()
