"""Rows against a stretch of the chain: the chain is read once, whatever is left over is asked for one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import psycopg

from streams.errors import LedgerError
from streams.fabric.gateway import Gateway
from streams.fabric.scan import Signed, first_block_since, signed_in, valid_transactions
from streams.ledger import VALID, LedgerEntry
from streams.operations.reconcile.findings import Finding, Window
from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.notebook import Notebook, Suspicion, Unproven
from streams.operations.reconcile.possible_ids import PossibleIds
from streams.operations.reconcile.second_look import batches
from streams.postgres.profiles import Profile
from streams.postgres.reconciling import known_transactions
from streams.stages.write_back import RowStatus

CLOCKS_DIFFER_BY = timedelta(minutes=1)
AT_ONCE = 32
"""Look-ups at a time: workers need the same gateway."""
BATCH_SIZE = 500


async def read_chain(gateway: Gateway, channel: str, window: Window, notebook: Notebook) -> int:
    """Write down the VALID transactions from the start of the window to the newest block; how many.

    Raises EndorseFailed.
    """
    height = await gateway.height()
    first = await first_block_since(gateway, window.since - CLOCKS_DIFFER_BY, height)
    count, pending = 0, []
    async for number, transaction_ids in valid_transactions(gateway, channel, first, height):
        pending += [(transaction_id, number) for transaction_id in transaction_ids]
        if len(pending) >= BATCH_SIZE:
            count += notebook.write_valid(pending)
            pending = []
    return count + notebook.write_valid(pending)


async def commits_not_there(gateway: Gateway, unproven: Iterable[Unproven]) -> AsyncIterator[Suspicion | LedgerError]:
    """Of rows that are COMMITTED and whose transactions were not seen, those that the ledger does not hold as VALID.

    An error for each that nobody can tell of.
    """
    for batch in batches(unproven, AT_ONCE):
        asked = (_held(gateway, one.transaction_id) for one in batch)
        for one, found in zip(batch, await asyncio.gather(*asked), strict=True):
            match found:
                case LedgerError():
                    yield found
                case LedgerEntry(code=code) if code == VALID:
                    continue
                case _:
                    held = f"the ledger holds it as {found.code}" if found else "the ledger holds nothing under its id"
                    yield Suspicion(
                        kind=Kind.COMMITTED_NOT_ON_LEDGER,
                        command_id=one.command_id,
                        transaction_id=one.transaction_id,
                        status=RowStatus.COMMITTED,
                        changed_at_ms=one.changed_at_ms,
                        seen=held if one.transaction_id else "the row names no transaction",
                        attempts=0,
                    )


async def _held(gateway: Gateway, transaction_id: str | None) -> LedgerEntry | LedgerError | None:
    if not transaction_id:
        return None
    try:
        return await gateway.look_up(transaction_id)
    except LedgerError as error:
        return error


async def without_row(
    gateway: Gateway,
    possible: PossibleIds,
    connection: psycopg.Connection[Any],
    profile: Profile,
    window: Window,
    notebook: Notebook,
) -> AsyncIterator[Finding]:
    """VALID transactions of our identities, sent within the window, that belong to no row. Raises EndorseFailed."""
    for number, transaction_ids in groupby_block(_shown_by_no_row(connection, profile, notebook)):
        for signed in await signed_in(gateway, number):
            identity = possible.signed_by_us(signed.creator)
            if signed.transaction_id in transaction_ids and identity and window.since <= signed.sent_at < window.until:
                yield _stranger(signed, identity, number, notebook.told_by_outcome(signed.transaction_id))


def _shown_by_no_row(
    connection: psycopg.Connection[Any], profile: Profile, notebook: Notebook
) -> Iterator[tuple[str, int]]:
    """Strangers in the window that are strangers in the whole table: a row of another time may show one."""
    for batch in batches(notebook.strangers(), BATCH_SIZE):
        known = known_transactions(connection, profile, [transaction_id for transaction_id, _ in batch])
        yield from ((transaction_id, block) for transaction_id, block in batch if transaction_id not in known)


def groupby_block(strangers: Iterable[tuple[str, int]]) -> Iterator[tuple[int, set[str]]]:
    """By block, in order."""
    for number, of_block in groupby(strangers, key=lambda stranger: stranger[1]):
        yield number, {transaction_id for transaction_id, _ in of_block}


def _stranger(signed: Signed, identity: str, number: int, command_id: str | None) -> Finding:
    of = f"command {command_id} of an outcome" if command_id else "no known command"
    return Finding(
        kind=Kind.LEDGER_WITHOUT_ROW,
        command_id=command_id,
        transaction_id=signed.transaction_id,
        status=None,
        seen=f"signed by {identity} at {signed.sent_at:%Y-%m-%d %H:%M:%S} UTC, {of}",
        truth=f"VALID in block {number}",
        remedy=Remedy.PERSON,
    )
