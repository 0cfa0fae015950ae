"""May a command be given up, or replaced by another revision? Only if the ledger shows that it never will be VALID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from streams.errors import LedgerError
from streams.ledger import VALID, Ledger
from streams.messages import RoutedCommand
from streams.operations.letters.letter import Letter
from streams.operations.truth import Committed, NotKnown, Reused, truth


async def against(
    ledgers: Mapping[str, Ledger], found: Letter, command: RoutedCommand, *, settle_s: float, now: datetime
) -> str | None:
    """What speaks against it: some attempt of this or an earlier revision is VALID, or may be; None: nothing does.

    `command` is the one that the letter is about, or its next revision: ids do not follow from arguments.

    Silence of the ledger counts once everything that was submitted has had `settle_s` to come into a block.
    """
    settled_at = found.letter.happened_at + timedelta(seconds=settle_s)
    if now < settled_at:
        return f"what was submitted may come into a block until {settled_at:%H:%M:%S} UTC: wait until then"
    said = await _named_by_the_letter(ledgers, found, command)
    for revision in range(command.revision, -1, -1):
        if said is None:
            attempts = found.letter.attempts if revision == found.revision else 1
            said = await _of_revision(ledgers, replace(command, revision=revision), attempts)
    return said


async def _of_revision(ledgers: Mapping[str, Ledger], command: RoutedCommand, attempts: int) -> str | None:
    match await truth(ledgers, command, attempts):
        case Committed(entry) | Reused(entry):
            return f"transaction {entry.transaction_id} of it is VALID in block {entry.block_number}"
        case NotKnown(cause):
            return f"the ledger could not be asked: {cause}"
        case _:
            return None


async def _named_by_the_letter(ledgers: Mapping[str, Ledger], found: Letter, command: RoutedCommand) -> str | None:
    """The ids that the worker tried, whatever the wallet of this process holds."""
    ledger = ledgers.get(command.identity)
    if ledger is None:
        return f"this process has no way to the ledger as {command.identity}"
    for transaction_id in found.letter.transaction_ids:
        try:
            entry = await ledger.look_up(transaction_id)
        except LedgerError as unknown:
            return f"the ledger could not be asked: {unknown}"
        if entry is not None and entry.code == VALID:
            return f"transaction {transaction_id} of it is VALID in block {entry.block_number}"
    return None
