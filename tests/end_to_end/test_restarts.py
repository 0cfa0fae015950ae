"""A part of the line ends in the middle of a stream of commands and is started again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import on_ledger
import pytest
from conftest import Population
from running_line import FINAL, RunningLine

from streams.demo import payloads
from streams.demo.payloads import COIN, Names

PARTS = (
    "route",
    "submit-org1-super-admin",
    "submit-org1-admin",
    "submit-org1-partner-api",
    "sink",
    "connect",
    "simulator",
)
TRANSFERS, USERS, MINTS = 60, 3, 2
"""Of each third of the stream: under org1-admin, org1-partner-api and org1-super-admin."""

transfers = count()


def third(population: Population, names: Names) -> Iterator[tuple[str, object]]:
    """Commands of all three identities; some transfers conflict, mints go one after the other."""
    for _ in range(USERS):
        yield "CREATE_USER", payloads.create_user(names.user_id("MY"))
    for _ in range(MINTS):
        yield "MINT", {"accountId": "SYSTEM_OPERATIONS_FUND", "amount": COIN, "remark": "Correction"}
    for _ in range(TRANSFERS):
        number = next(transfers)
        payer = population.payers[number % len(population.payers)]
        payee = population.payees[(number + number // len(population.payers)) % len(population.payees)]
        yield "TRANSFER_TOKENS", payloads.transfer(payer, payee, COIN // 100)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("part", PARTS)
def test_a_restart_in_the_middle_keeps_every_command(
    line: RunningLine, population: Population, names: Names, part: str, number: signal.Signals
) -> None:
    since, first_block = datetime.now(UTC), asyncio.run(on_ledger.height(line))

    command_ids = line.insert_all(third(population, names))
    line.until(lambda: any(row.status in FINAL for row in line.rows(command_ids).values()), "the first end")
    command_ids += line.insert_all(third(population, names))
    line.restart(part, number, lambda: command_ids.extend(line.insert_all(third(population, names))))

    rows = line.final(command_ids)
    assert len(rows) == 3 * (TRANSFERS + USERS + MINTS)
    assert {(row.status, row.error_code, row.error) for row in rows.values()} == {("COMMITTED", None, None)}
    line.settle()
    assert asyncio.run(on_ledger.wrong(line, rows, since, first_block)) == []
    supply = asyncio.run(on_ledger.supply(line))
    assert supply["minted"] == supply["held"]
