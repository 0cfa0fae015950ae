"""Is everything as it must be? Rows against the script, the ledger against the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from streams.demo.run import Sent
from streams.fabric.gateway import Gateway
from streams.ledger import VALID
from streams.messages import RoutedCommand
from streams.postgres.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class OnLedger:
    """What the chain holds: how often each transaction id is VALID, and how many entries are not."""

    valid: Counter[str]
    invalid: Counter[str]


async def read_chain(gateway: Gateway, first_block: int) -> OnLedger:
    """Every block from `first_block` to the newest; those before hold what set the channel up, no command."""
    valid: Counter[str] = Counter()
    invalid: Counter[str] = Counter()
    for number in range(first_block, await gateway.height()):
        for entry in await gateway.block(number):
            if entry.code == VALID:
                valid[entry.transaction_id] += 1
            else:
                invalid[entry.code] += 1
    return OnLedger(valid=valid, invalid=invalid)


def wrong_rows(sent: Sent) -> Iterator[str]:
    """One line per row whose status or error code is not what the script says."""
    for command_id, planned in sent.planned.items():
        row = sent.rows[command_id]
        expected = ("FAILED", planned.error_code) if planned.error_code else ("COMMITTED", None)
        if (row.status, row.error_code) != expected:
            seen = f"{row.status} {row.error_code or ''} {row.error or ''}".strip()
            yield f"{command_id} {row.command_type}: must be {' '.join(filter(None, expected))}, is {seen}"


def wrong_on_ledger(rows: Mapping[str, Row], possible_ids: Mapping[str, list[str]], chain: OnLedger) -> Iterator[str]:
    """One line per command whose VALID transactions are not exactly the one its row names (COMMITTED) or none.

    `possible_ids`: every transaction id that the command may have had, by command id.
    """
    accounted: set[str] = set()
    for command_id, row in rows.items():
        ids = set(possible_ids.get(command_id, []))
        found = [(i, chain.valid[i]) for i in ids | {row.transaction_id or ""} if chain.valid[i]]
        accounted |= ids
        expected = [(row.transaction_id, 1)] if row.status == "COMMITTED" else []
        if found != expected:
            yield f"{command_id} {row.command_type} {row.status}: VALID on the ledger {found}, must be {expected}"
    for stray in chain.valid.keys() - accounted:
        yield f"transaction {stray} is VALID on the ledger and belongs to no command"


def possible_transaction_ids(
    gateways: Mapping[str, Gateway], routed: Mapping[str, RoutedCommand], attempts: Mapping[str, int]
) -> dict[str, list[str]]:
    """By command id, the ids of the attempts that were made and of a few that must not have been."""
    return {
        command_id: [
            gateways[command.identity].propose(command, attempt).transaction_id
            for attempt in range(attempts[command_id] + 3)
        ]
        for command_id, command in routed.items()
    }
