"""Commands of one key keep their order, on the ledger itself."""

from __future__ import annotations

import asyncio

import on_ledger
from conftest import Population
from running_line import RunningLine

from streams.demo import payloads

EACH = 20


def test_commands_of_one_key_reach_the_ledger_in_the_order_of_the_rows(
    line: RunningLine, population: Population
) -> None:
    first_block = asyncio.run(on_ledger.height(line))
    # All pay the same: together their transactions would conflict, so the route keeps them apart.
    payers, payee = population.payers[:3], population.payees[0]
    transfers = [payloads.transfer(payer, payee, amount + 1) for amount in range(EACH) for payer in payers]
    command_ids = line.insert("TRANSFER_TOKENS", *transfers)

    rows = line.final(command_ids)

    assert {row.status for row in rows.values()} == {"COMMITTED"}
    command_of = {row.transaction_id: command_id for command_id, row in rows.items()}
    valid = [e.transaction_id for e in asyncio.run(on_ledger.entries(line, first_block)) if e.code == "VALID"]
    on_chain = [command_of[transaction_id] for transaction_id in valid]
    assert len(on_chain) == len(command_ids)
    for payer in range(len(payers)):
        of_this_payer = command_ids[payer :: len(payers)]
        assert [command_id for command_id in on_chain if command_id in of_this_payer] == of_this_payer
    assert {row.attempts for row in rows.values()} == {1}
