"""Rows that the polling worker had sent before there was a line: never captured, and never to be sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from neighbours import Broker, Database
from planted_line import PlantedLine, planted_line

from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.notebook import open_notebook
from streams.operations.reconcile.repair import publish, wait_until_final
from streams.operations.reconcile.run import LEDGER_AWAY


@pytest.fixture
async def planted(broker: Broker, database: Database, tmp_path: Path) -> AsyncIterator[PlantedLine]:
    async with planted_line(broker, database, tmp_path) as line:
        yield line


async def test_with_the_ledger_away_a_row_that_names_a_transaction_is_left_to_a_person(planted: PlantedLine) -> None:
    planted.row("LOCKED", transaction_id="0" * 64)
    await planted.bench.network_down()
    report, (found,) = await planted.reconcile()
    assert (found.kind, found.remedy) == (Kind.ROW_WITHOUT_EVENT, Remedy.PERSON)
    assert report.not_judged == {LEDGER_AWAY: 1}


async def test_a_row_whose_transaction_is_valid_becomes_committed_and_no_other_is_touched(planted: PlantedLine) -> None:
    transaction_id = await planted.commit("as the polling worker named it")
    sent = planted.row("SUBMITTED", transaction_id=transaction_id)
    lost = planted.row("SUBMITTED", transaction_id="0" * 64)
    run = planted.reconciliation()
    with open_notebook() as notebook, planted.sink(), planted.outbox.connect() as connection:
        await run.run(notebook)
        findings = {found.command_id: found for found in notebook.findings()}
        assert {found.kind for found in findings.values()} == {Kind.ROW_WITHOUT_EVENT}
        assert (findings[sent].remedy, findings[lost].remedy) == (Remedy.WRITE, Remedy.PERSON)
        assert (findings[lost].truth, findings[lost].command) == ("holds nothing", "")
        (published,) = list(publish(run.parties, notebook.findings()))
        assert published == [sent]
        assert wait_until_final(connection, run.parties, published, timeout_s=30) == {}
    rows = planted.outbox.rows(sent, lost)
    assert (rows[sent].status, rows[sent].transaction_id) == ("COMMITTED", transaction_id)
    assert rows[lost].status == "SUBMITTED"
