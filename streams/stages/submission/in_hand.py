"""The transaction in hand: one attempt under one certificate, and what is known of it."""

from __future__ import annotations

from streams.errors import SubmitFailed
from streams.ledger import Commit, Committed, Proposal, Transaction
from streams.retry import Step


class InHand:
    """`step` is the last question that was asked for it.

    `may_be_on_ledger`: a Submit ended without a definite refusal, or a peer has it. `is_in_doubt`: another process may
    have submitted it. `must_look_up`: nothing may be sent before its ids have been looked up.
    """

    def __init__(self, proposal: Proposal, *, is_in_doubt: bool) -> None:
        self.proposal = proposal
        self.transaction: Transaction | None = None
        self.step = Step.ENDORSE
        self.may_be_on_ledger = False
        self.is_in_doubt = is_in_doubt
        self.must_look_up = bool(proposal.earlier_ids)

    @property
    def transaction_id(self) -> str:
        return self.proposal.transaction_id

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id that the attempt may have on the ledger."""
        return (*self.proposal.earlier_ids, self.proposal.transaction_id)

    async def endorse(self) -> Transaction:
        """Raises EndorseFailed, DuplicateTransaction or AlreadyApplied."""
        self.step = Step.ENDORSE
        self.transaction = await self.proposal.endorse()
        return self.transaction

    async def submit(self, transaction: Transaction) -> Commit:
        """Raises SubmitFailed."""
        self.step = Step.SUBMIT
        # Set before the call: a Submit that is cut off may have reached the orderer.
        was_open, self.may_be_on_ledger = self.may_be_on_ledger, True
        try:
            return await transaction.submit()
        except SubmitFailed as error:
            self.may_be_on_ledger = was_open or error.may_be_on_ledger
            raise

    async def status(self, commit: Commit) -> Committed:
        """Raises CommitRejected or CommitUnknown."""
        self.step = Step.COMMIT
        return await commit.status()

    def doubt(self) -> None:
        """Look it up before anything else is done."""
        self.must_look_up = True

    def settled(self) -> None:
        """Its ids were looked up, and whatever was on its way has come in: the ledger holds nothing."""
        self.must_look_up = self.is_in_doubt = False
