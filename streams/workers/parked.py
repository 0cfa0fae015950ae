"""Behind a parked command: is it settled, what became of it then, and how does the one end that must wait for it."""

from __future__ import annotations

from datetime import datetime

from streams.endings import Ending
from streams.ledger import VALID, Ledger, LedgerEntry
from streams.messages import DeadLetterKind, Outcome, OutcomeKind, RoutedCommand
from streams.workers.book import Parked

BEHIND_PARKED = "BEHIND_PARKED"


async def valid_entry(ledger: Ledger, parked: Parked) -> LedgerEntry | None:
    """The one of the command's transactions that is VALID, or None. Raises CommitUnknown if the ledger cannot be asked.

    The ids that its letter names, and those of each attempt up to the first that the ledger does not know: it may have
    been tried again since the letter was written.
    """
    entry = await _found(ledger, parked.transaction_ids)
    attempt = 0
    while entry is None or entry.code != VALID:
        proposal = ledger.propose(parked.command, attempt)
        entry = await _found(ledger, (*proposal.earlier_ids, proposal.transaction_id))
        if entry is None:
            return None
        attempt += 1
    return entry


async def _found(ledger: Ledger, transaction_ids: tuple[str, ...]) -> LedgerEntry | None:
    """The VALID one of them, else the last that the ledger holds; None: it holds none of them."""
    newest = None
    for transaction_id in transaction_ids:
        newest = await ledger.look_up(transaction_id) or newest
        if newest is not None and newest.code == VALID:
            break
    return newest


def settled(parked: Parked, entry: LedgerEntry, *, now: datetime, worker: str) -> Outcome | None:
    """COMMITTED, for the row of a parked command whose transaction is VALID; None: it is another command's call."""
    command = parked.command
    if entry.arguments != (command.transaction_name, *command.arguments):
        return None
    return Outcome(
        command_id=command.command_id,
        command_type=command.command_type,
        kind=OutcomeKind.COMMITTED,
        identity=command.identity,
        transaction_id=entry.transaction_id,
        block_number=entry.block_number,
        attempts=max(1, len(parked.transaction_ids)),
        stages=_stages(command) | {"committed": now},
        worker=worker,
        happened_at=now,
    )


def held_back(command: RoutedCommand, parked: Parked, *, taken_at: datetime, now: datetime, worker: str) -> Ending:
    """The ending of a command that must not pass a parked one: nothing was sent, and its row says why it waits."""
    outcome = Outcome(
        command_id=command.command_id,
        command_type=command.command_type,
        kind=OutcomeKind.WAITING,
        identity=command.identity,
        error_code=BEHIND_PARKED,
        error=f"waits behind the parked command {parked.command.command_id} of the same key",
        stages=_stages(command) | {"taken": taken_at},
        worker=worker,
        happened_at=now,
    )
    return Ending(outcome=outcome, dead_letter_kind=DeadLetterKind.UNKNOWN)


def _stages(command: RoutedCommand) -> dict[str, datetime]:
    return {"created": command.created_at, "captured": command.captured_at, "routed": command.routed_at}
