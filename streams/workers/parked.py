"""Behind a parked command: is it settled, and how does the one end that must wait for it."""

from __future__ import annotations

from datetime import datetime

from streams.endings import Ending
from streams.ledger import VALID, Ledger
from streams.messages import DeadLetterKind, Outcome, OutcomeKind, RoutedCommand
from streams.workers.book import Parked

BEHIND_PARKED = "BEHIND_PARKED"


async def is_on_ledger(ledger: Ledger, parked: Parked) -> bool:
    """One of the command's transactions is VALID. Raises CommitUnknown if the ledger cannot be asked.

    The ids that its letter names, and those of each attempt up to the first that the ledger does not know: it may have
    been tried again since the letter was written.
    """
    if await _found(ledger, parked.transaction_ids) == VALID:
        return True
    attempt = 0
    while True:
        proposal = ledger.propose(parked.command, attempt)
        code = await _found(ledger, (*proposal.earlier_ids, proposal.transaction_id))
        if code is None or code == VALID:
            return code == VALID
        attempt += 1


async def _found(ledger: Ledger, transaction_ids: tuple[str, ...]) -> str | None:
    """VALID if one of them is, else the code of the last that the ledger holds; None: it holds none of them."""
    code = None
    for transaction_id in transaction_ids:
        entry = await ledger.look_up(transaction_id)
        if entry is not None:
            code = entry.code
        if code == VALID:
            break
    return code


def held_back(command: RoutedCommand, parked: Parked, *, taken_at: datetime, now: datetime, worker: str) -> Ending:
    """The ending of a command that must not pass a parked one: nothing was sent, and its row says why it waits."""
    outcome = Outcome(
        command_id=command.command_id,
        command_type=command.command_type,
        kind=OutcomeKind.WAITING,
        identity=command.identity,
        error_code=BEHIND_PARKED,
        error=f"waits behind the parked command {parked.command.command_id} of the same key",
        stages={
            "created": command.created_at,
            "captured": command.captured_at,
            "routed": command.routed_at,
            "taken": taken_at,
        },
        worker=worker,
        happened_at=now,
    )
    return Ending(outcome=outcome, dead_letter_kind=DeadLetterKind.UNKNOWN)
