"""RoutedCommand -> Outcome: carry one command to a final answer of the ledger.

The ledger is the journal: the transaction id of every attempt follows from the command, so after any crash the same
steps lead to the same ids. Attempt n+1 is made only after the ledger said that n is invalid for good. Silence never
advances the attempt: the same envelope is submitted again until the ledger answers.

A renewed certificate changes the ids. A command that may have been submitted with an earlier certificate is first
looked up under the ids it had then; one in flight keeps the certificate it started with. A command that another process
may have submitted is looked up before a refusal counts: what that process submitted may still be on its way.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from streams.endings import Ending
from streams.errors import AlreadyApplied, CommitRejected, EndorseFailed, LedgerError, SubmitFailed
from streams.ledger import VALID, LedgerEntry, Transaction
from streams.messages import RoutedCommand
from streams.retry import IDENTITY_REFUSED, Meaning, Step, Verdict, is_chaincodes_word, verdict
from streams.stages.submission.in_hand import InHand
from streams.stages.submission.look_up import LookUp
from streams.stages.submission.patience import Patience
from streams.stages.submission.record import Record
from streams.stages.submission.surroundings import Rest, Surroundings

__all__ = ["Surroundings", "submit"]

CLOCKS_DIFFER_BY = timedelta(seconds=5)
"""How far the clock that dates routed commands may be ahead of ours."""


async def submit(
    command: RoutedCommand,
    taken_at: datetime,
    surroundings: Surroundings,
    rest: Rest,
    alone_since: datetime | None = None,
    *,
    is_repeated: bool = False,
    redriven_by: str | None = None,
) -> Ending:
    """RoutedCommand -> Ending. Returns with the ledger's final answer, or with a parked command.

    `alone_since`: since when nobody but this call submits the command: when this process was given its partition, or
    now if it was parked before. What was routed earlier may have been submitted, and may still be on its way.
    None: nobody else can have had the command. `is_repeated`: it was delivered before, whenever it was routed.
    Raises only what `rest` raises that is no Exception.
    """
    submission = _Submission(command, taken_at, surroundings, rest, alone_since, is_repeated=is_repeated)
    submission.record.redriven_by = redriven_by
    try:
        return await submission.run()
    except Exception as bug:
        return submission.parked(bug)


class _Submission:
    """One command. `_try` is the way of a healthy one, `_after` is every fork of it; the rest are the forks."""

    def __init__(
        self,
        command: RoutedCommand,
        taken_at: datetime,
        around: Surroundings,
        rest: Rest,
        alone_since: datetime | None,
        *,
        is_repeated: bool,
    ) -> None:
        self.command, self.around = command, around
        self.record = Record(command=command, taken_at=taken_at, worker=around.worker, now=around.now)
        self.patience = Patience(around, rest)
        self.look_up = LookUp(around, command, self.patience)
        is_older = alone_since is not None and command.routed_at < alone_since + CLOCKS_DIFFER_BY
        self.is_redelivered = is_repeated or is_older
        self.is_fresh = alone_since is not None and not self.is_redelivered
        self.settled_at = (alone_since or taken_at) + timedelta(seconds=around.settle_s)
        self.in_hand: InHand | None = None

    async def run(self) -> Ending:
        while True:
            hand = self.in_hand = self.in_hand or self._propose()
            try:
                ending = await self._try(hand)
            except LedgerError as error:
                ending = await self._after(error, hand)
            if ending is not None:
                return ending

    def _propose(self) -> InHand:
        proposal = self.around.ledger.propose(self.command, self.record.attempt)
        self.record.note_id(proposal.transaction_id)
        return InHand(proposal, is_in_doubt=self.is_redelivered)

    async def _try(self, hand: InHand) -> Ending | None:
        """One pass through the steps that are still to be made; None: another pass is needed. Raises LedgerError."""
        if hand.must_look_up:
            return await self._look_up_every_id(hand)
        transaction = hand.transaction or await self._endorsed(hand)
        commit = await hand.submit(transaction)
        if self._passed("submitted", hand) and (news := self.record.submitted(commit.transaction_id)) is not None:
            await self.around.report(news)
        committed = await hand.status(commit)
        self.around.health.well(hand.step)
        self.around.health.succeeded()
        return self.record.committed(committed.transaction_id, committed.block_number, committed.seen_at)

    async def _endorsed(self, hand: InHand) -> Transaction:
        transaction = await hand.endorse()
        self._passed("endorsed", hand)
        return transaction

    def _passed(self, stage: str, hand: InHand) -> bool:
        """The answer to a step is yes; whether it is the transaction's first."""
        self.around.health.well(hand.step)
        is_first = self.record.passed(stage)
        if is_first:
            self.patience.progressed()
        return is_first

    async def _after(self, error: LedgerError, hand: InHand) -> Ending | None:
        """What follows from an error: an ending, or another pass (None)."""
        decision = verdict(
            error,
            may_be_on_ledger=hand.may_be_on_ledger,
            is_in_doubt=hand.is_in_doubt,
            meaning=self.around.meaning(str(error)) if is_chaincodes_word(error) else Meaning.REFUSE,
        )
        self.around.notice(self.command, error, decision)
        if decision is not Verdict.WAIT_FOR_IDENTITY:
            self.around.health.well(hand.step)
        match decision:
            case Verdict.GIVE_UP:
                return self.record.failed(error)
            case Verdict.NEW_TRANSACTION:
                return await self._next_attempt(error)
            case Verdict.LOOK_UP:
                return await self._look_up(error, hand)
            case Verdict.WAIT:
                await self._hold(error)
                return None
            case Verdict.SAME_TRANSACTION if is_chaincodes_word(error) and not hand.may_be_on_ledger:
                return await self._ask_again(error)
            case Verdict.SAME_TRANSACTION | Verdict.WAIT_FOR_IDENTITY:
                self._leave_refused_identity(error, hand)
                self.patience.count(hand.step, error)
                return await self._back_off(error, hand)

    async def _next_attempt(self, error: LedgerError) -> Ending | None:
        """The ledger said that this attempt is invalid for good; wait until the state may have moved on."""
        if self.record.attempt + 1 >= self.around.max_attempts:
            return self.record.failed(error)
        self.record.attempt += 1
        self._drop_transaction()
        await self.patience.let_the_state_move_on(self.record.attempt)
        return None

    async def _hold(self, error: LedgerError) -> None:
        """The chaincode will refuse until something is lifted: nothing is burnt and nothing fails meanwhile."""
        if (news := self.record.waiting(error)) is not None:
            await self.around.report(news)
        await self.patience.hold()

    async def _ask_again(self, error: LedgerError) -> Ending | None:
        """A refusal that the chaincode may not repeat."""
        if self.patience.refused():
            return self.record.failed(error)
        await self.patience.back_off()
        return None

    async def _back_off(self, error: LedgerError, hand: InHand) -> Ending | None:
        """Another pass after a rest; parked when there were too many without progress."""
        if self.patience.is_out_of_tries:
            return self.record.unknown(error, hand.transaction_id, self.patience.tries)
        await self.patience.back_off()
        return None

    async def _look_up(self, error: LedgerError, hand: InHand) -> Ending | None:
        """The command or its id may be on the ledger: read what it holds."""
        match error:
            case EndorseFailed() | SubmitFailed():
                hand.doubt()
                return None
            case AlreadyApplied(applied_by=transaction_id):
                is_own = False
            case _:
                transaction_id, is_own = error.transaction_id, True
                hand.may_be_on_ledger = True  # whatever a peer that lags behind says next
        match await self.look_up.held(transaction_id):
            case LedgerEntry(code=code) as entry if is_own or code == VALID:
                return await self._settled_by(entry, hand)
            case LedgerError() as unknown:
                return await self._back_off(unknown, hand)
            case _:
                # One peer knows more than the one that was asked: ask again.
                self.patience.tries += 1
                return await self._back_off(error, hand)

    async def _look_up_every_id(self, hand: InHand) -> Ending | None:
        """What became of this attempt under every certificate; that there is nothing counts once it has settled."""
        is_settled = self.is_fresh or self.around.now() >= self.settled_at
        entry, unknown = await self.look_up.held_under_any(hand.ids)
        if entry is not None and (entry.code == VALID or (is_settled and unknown is None)):
            self.record.note_id(entry.transaction_id)
            return await self._settled_by(entry, hand)
        if unknown is not None:
            return await self._back_off(unknown, hand)
        if is_settled:
            hand.settled()
        else:
            await self.patience.back_off()
        return None

    async def _settled_by(self, entry: LedgerEntry, hand: InHand) -> Ending | None:
        """What follows from an entry of the ledger."""
        hand.step = Step.LOOK_UP
        if entry.code != VALID:
            text, block = f"transaction is on the ledger as {entry.code}", entry.block_number
            invalid = CommitRejected(text, code=entry.code, transaction_id=entry.transaction_id, block_number=block)
            return await self._after(invalid, hand)
        if entry.arguments != (self.command.transaction_name, *self.command.arguments):
            return self.record.id_reused(entry)
        return self.record.committed(entry.transaction_id, entry.block_number, self.around.now())

    def _leave_refused_identity(self, error: LedgerError, hand: InHand) -> None:
        """The certificate in hand is refused, but there is a newer one: look up, then start the attempt with that."""
        if error.code not in IDENTITY_REFUSED:
            return
        renewed = self.around.ledger.propose(self.command, self.record.attempt)
        if renewed.transaction_id != hand.transaction_id:
            # What was submitted with the old certificate before it was refused may still come into a block.
            self.is_fresh = self.is_fresh and not hand.may_be_on_ledger
            self._drop_transaction()
            self.settled_at = self.around.now() + timedelta(seconds=self.around.settle_s)

    def _drop_transaction(self) -> None:
        self.in_hand = None
        self.patience.start_anew()
        self.record.start_anew()

    def parked(self, bug: Exception) -> Ending:
        """Our own code failed: the command may be on the ledger."""
        transaction = self.in_hand.transaction if self.in_hand else None
        return self.record.bug(bug, transaction.transaction_id if transaction else None)
