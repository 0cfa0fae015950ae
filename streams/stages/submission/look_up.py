"""Reading what the ledger holds under transaction ids, with what that says about the identity's health."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.errors import LedgerError
from streams.ledger import VALID, LedgerEntry
from streams.messages import RoutedCommand
from streams.retry import DUPLICATE_TXID, Step, Verdict
from streams.stages.submission.patience import Patience
from streams.stages.submission.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class LookUp:
    """Asks for one command."""

    around: Surroundings
    command: RoutedCommand
    patience: Patience

    async def held(self, transaction_id: str) -> LedgerEntry | LedgerError | None:
        """The entry that decides; None: nothing is held, or a repetition only. An error if it could not be learned."""
        try:
            entry = await self.around.ledger.look_up(transaction_id)
        except LedgerError as unknown:
            self.around.notice(self.command, unknown, Verdict.LOOK_UP)
            self.patience.count(Step.LOOK_UP, unknown)
            return unknown
        self.around.health.well(Step.LOOK_UP)
        return None if entry is None or entry.code == DUPLICATE_TXID else entry

    async def held_under_any(self, transaction_ids: Iterable[str]) -> tuple[LedgerEntry | None, LedgerError | None]:
        """A valid entry, or else the last one; and an error if not every id could be looked up."""
        newest, unknown = None, None
        for transaction_id in transaction_ids:
            match await self.held(transaction_id):
                case LedgerError() as error:
                    unknown = error
                case LedgerEntry(code=code) as entry if newest is None or newest.code != VALID or code == VALID:
                    newest = entry
        return newest, unknown
