"""How faults are felt where blocks are committed: held back, or judged to conflict."""

from __future__ import annotations

from collections.abc import Sequence

from fabric_protos.peer import transaction_pb2

from streams.simulator.call_description import describe_envelope
from streams.simulator.fault_book import FaultBook
from streams.simulator.faults import ForceConflict, HoldBlocks, Rpc
from streams.simulator.identities import Membership
from streams.simulator.part_faults import Changes
from streams.simulator.transactions import Claim, Ordered
from streams.simulator.validator import VALID


class CommitFaults:
    """Asked before and while a block is made. Each transaction is a call of its own here."""

    def __init__(self, book: FaultBook, changes: Changes, membership: Membership) -> None:
        self._book = book
        self._changes = changes
        self._membership = membership

    async def hold(self, batch: Sequence[Ordered]) -> None:
        """Return when the block of these envelopes may be made."""
        if not self._book:
            return
        for envelope in batch:
            self._begin(envelope.claim)
            held = self._book.strike_active(HoldBlocks)
            if held is not None and isinstance(held.fault, HoldBlocks):
                await self._changes.is_over(held, within_s=held.fault.for_s)

    def conflict(self, claim: Claim | None) -> int:
        """The conflict that a good transaction is said to have; VALID for none."""
        if not self._book:
            return VALID
        self._begin(claim)
        forced = self._book.strike(ForceConflict)
        return VALID if forced is None else int(transaction_pb2.TxValidationCode.Value(forced.code))

    def _begin(self, claim: Claim | None) -> None:
        self._book.begin(None if claim is None else describe_envelope(Rpc.COMMIT, claim, self._membership))
