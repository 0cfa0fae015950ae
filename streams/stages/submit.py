"""RoutedCommand -> Outcome: carry one command to a final answer of the ledger.

The ledger is the journal: the transaction id of every attempt follows from the command, so after any crash the same
steps lead to the same ids. Attempt n+1 is made only after the ledger said that n is invalid for good. Silence never
advances the attempt: the same envelope is submitted again until the ledger answers.

A renewed certificate changes the ids. A command that may have been submitted with an earlier certificate is first
looked up under the ids it had then; one in flight keeps the certificate it started with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from streams.endings import Ending
from streams.errors import AlreadyApplied, CommitRejected, LedgerError, SubmitFailed
from streams.ledger import VALID, Ledger, LedgerEntry, Proposal, Transaction
from streams.messages import DeadLetterKind, Outcome, OutcomeKind, RoutedCommand
from streams.retry import DUPLICATE_TXID, Backoff, Verdict, verdict

BUG = "BUG"
ID_REUSED = "COMMAND_ID_REUSED"
IDENTITY_REFUSED = frozenset({"IDENTITY_EXPIRED", "ACCESS_DENIED"})
"""The codes with which a certificate is refused; another one may be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the stage needs from outside: the ledger, time, patience, and who to tell.

    `settle_s`: how long what another process submitted may take into a block.
    """

    ledger: Ledger
    backoff: Backoff
    conflict_backoff: Backoff
    max_attempts: int
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    report: Callable[[Outcome], Awaitable[None]]  # must not raise: news of a command is not its fate
    notice: Callable[[RoutedCommand, LedgerError, Verdict], None]
    worker: str
    settle_s: float = 60.0


async def submit(command: RoutedCommand, taken_at: datetime, surroundings: Surroundings) -> Ending:
    """RoutedCommand -> Ending. Returns with the ledger's final answer, or with a parked command after a bug."""
    submission = _Submission(command, taken_at, surroundings)
    try:
        return await submission.run()
    except Exception as bug:
        return submission.parked(bug)


@dataclass(slots=True)
class _Submission:
    command: RoutedCommand
    taken_at: datetime
    around: Surroundings
    stages: dict[str, datetime] = field(init=False)
    settled_at: datetime = field(init=False)
    attempt: int = field(default=0, init=False)
    proposal: Proposal | None = field(default=None, init=False)
    is_looked_up: bool = field(default=False, init=False)
    tried: list[str] = field(default_factory=list, init=False)
    transaction: Transaction | None = field(default=None, init=False)
    may_be_on_ledger: bool = field(default=False, init=False)
    failures: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.stages = {
            "created": self.command.created_at,
            "captured": self.command.captured_at,
            "routed": self.command.routed_at,
            "taken": self.taken_at,
        }
        self.settled_at = self.taken_at + timedelta(seconds=self.around.settle_s)

    async def run(self) -> Ending:
        while True:
            try:
                ending = await self._try()
            except LedgerError as error:
                ending = await self._after(error)
            if ending is not None:
                return ending

    async def _try(self) -> Ending | None:
        """One pass through the steps that are still to be made; None: another pass is needed. Raises LedgerError."""
        if self.proposal is None:
            self.proposal = self.around.ledger.propose(self.command, self.attempt)
            self.is_looked_up = not self.proposal.earlier_ids
            self._note(self.proposal.transaction_id)
        if not self.is_looked_up:
            return await self._look_up_all(self.proposal)
        if self.transaction is None:
            self.transaction = await self.proposal.endorse()
            self.stages["endorsed"] = self.around.now()
        # Set before the call: a Submit that is cut off may have reached the orderer.
        was_open, self.may_be_on_ledger = self.may_be_on_ledger, True
        try:
            commit = await self.transaction.submit()
        except SubmitFailed as error:
            self.may_be_on_ledger = was_open or error.may_be_on_ledger
            raise
        if "submitted" not in self.stages:
            self.stages["submitted"] = self.around.now()
            await self.around.report(self._outcome(OutcomeKind.SUBMITTED, commit.transaction_id))
        committed = await commit.status()
        self.stages["committed"] = committed.seen_at
        return self._committed(committed.transaction_id, committed.block_number)

    async def _after(self, error: LedgerError) -> Ending | None:
        """What follows from an error: an ending, or another pass (None)."""
        decision = verdict(error, may_be_on_ledger=self.may_be_on_ledger)
        self.around.notice(self.command, error, decision)
        match decision:
            case Verdict.GIVE_UP:
                return self._failed(error)
            case Verdict.NEW_TRANSACTION if self.attempt + 1 >= self.around.max_attempts:
                return self._failed(error)
            case Verdict.NEW_TRANSACTION:
                await self._next_attempt()
                return None
            case Verdict.LOOK_UP:
                return await self._look_up(error)
            case Verdict.SAME_TRANSACTION:
                self._leave_refused_identity(error)
        await self._back_off()
        return None

    async def _look_up(self, error: LedgerError) -> Ending | None:
        """The ledger says the command or its id is there already: read what it holds."""
        match error:
            case AlreadyApplied(applied_by=transaction_id):
                is_own = False
            case _:
                transaction_id, is_own = error.transaction_id, True
        try:
            entry = await self.around.ledger.look_up(transaction_id)
        except LedgerError as unknown:
            self.around.notice(self.command, unknown, Verdict.LOOK_UP)
            entry = None
        if entry is None or entry.code == DUPLICATE_TXID or not (is_own or entry.code == VALID):
            # One peer knows more than the one that was asked: ask again.
            await self._back_off()
            return None
        return await self._settled_by(entry)

    async def _look_up_all(self, proposal: Proposal) -> Ending | None:
        """What became of this attempt under every certificate; that there is nothing counts once it has settled."""
        is_settled, held = self.around.now() >= self.settled_at, list[LedgerEntry]()
        for transaction_id in (*proposal.earlier_ids, proposal.transaction_id):
            try:
                entry = await self.around.ledger.look_up(transaction_id)
                held += [entry] if entry is not None and entry.code != DUPLICATE_TXID else []
            except LedgerError as unknown:
                self.around.notice(self.command, unknown, Verdict.LOOK_UP)
                is_settled = False
        decides = next((entry for entry in held if entry.code == VALID), held[-1] if held and is_settled else None)
        if decides is not None:
            self._note(decides.transaction_id)
            return await self._settled_by(decides)
        self.is_looked_up = is_settled
        if not is_settled:
            await self._back_off()
        return None

    async def _settled_by(self, entry: LedgerEntry) -> Ending | None:
        """What follows from an entry of the ledger."""
        if entry.code != VALID:
            message, code, block = f"transaction is on the ledger as {entry.code}", entry.code, entry.block_number
            return await self._after(
                CommitRejected(message, code=code, transaction_id=entry.transaction_id, block_number=block)
            )
        if entry.arguments != (self.command.transaction_name, *self.command.arguments):
            return self._id_reused(entry)
        self.stages["committed"] = self.around.now()
        return self._committed(entry.transaction_id, entry.block_number)

    def _leave_refused_identity(self, error: LedgerError) -> None:
        """The certificate in hand is refused, but there is a newer one: look up, then start the attempt with that."""
        if error.code not in IDENTITY_REFUSED or self.proposal is None:
            return
        if self.around.ledger.propose(self.command, self.attempt).transaction_id != self.proposal.transaction_id:
            self._drop_transaction()
            # What was submitted with the old certificate before it was refused may still come into a block.
            self.settled_at = self.around.now() + timedelta(seconds=self.around.settle_s)

    def _drop_transaction(self) -> None:
        self.proposal, self.transaction, self.may_be_on_ledger, self.failures = None, None, False, 0
        for stage in ("endorsed", "submitted"):
            self.stages.pop(stage, None)

    async def _next_attempt(self) -> None:
        """The ledger said that this attempt is invalid for good; wait until the state may have moved on."""
        self.attempt += 1
        self._drop_transaction()
        await self.around.sleep(self.around.conflict_backoff.wait_s(self.attempt))

    async def _back_off(self) -> None:
        self.failures += 1
        await self.around.sleep(self.around.backoff.wait_s(self.failures))

    def _committed(self, transaction_id: str, block_number: int) -> Ending:
        return self._ended(self._outcome(OutcomeKind.COMMITTED, transaction_id, block_number), None)

    def _failed(self, error: LedgerError) -> Ending:
        failed = partial(self._outcome, OutcomeKind.FAILED, error_code=error.code, error=str(error))
        match error:
            case CommitRejected(transaction_id=transaction_id, block_number=block_number):
                return self._ended(failed(transaction_id, block_number), DeadLetterKind.INVALID)
            case _:
                return self._ended(failed(None), DeadLetterKind.REFUSED)

    def parked(self, bug: Exception) -> Ending:
        """Our own code failed: the command may be on the ledger. The text names the bug, never a payload."""
        outcome = self._outcome(
            OutcomeKind.PARKED,
            self.transaction.transaction_id if self.transaction else None,
            error_code=BUG,
            error=f"parked by a bug ({type(bug).__name__}); may be on the ledger",
        )
        return Ending(outcome=outcome, dead_letter_kind=DeadLetterKind.BUG, transaction_ids=tuple(self.tried), bug=bug)

    def _id_reused(self, entry: LedgerEntry) -> Ending:
        text = "command id reused: the ledger holds a transaction of this id with other arguments"
        held = entry.transaction_id, entry.block_number
        return self._ended(self._outcome(OutcomeKind.FAILED, *held, ID_REUSED, text), DeadLetterKind.INVALID)

    def _ended(self, outcome: Outcome, kind: DeadLetterKind | None) -> Ending:
        return Ending(outcome=outcome, dead_letter_kind=kind, transaction_ids=tuple(self.tried))

    def _note(self, transaction_id: str) -> None:
        if transaction_id not in self.tried:
            self.tried.append(transaction_id)

    def _outcome(
        self,
        kind: OutcomeKind,
        transaction_id: str | None,
        block_number: int | None = None,
        error_code: str | None = None,
        error: str | None = None,
    ) -> Outcome:
        return Outcome(
            command_id=self.command.command_id,
            command_type=self.command.command_type,
            kind=kind,
            identity=self.command.identity,
            transaction_id=transaction_id,
            block_number=block_number,
            error_code=error_code,
            error=error,
            attempts=self.attempt + 1,
            stages=dict(self.stages),
            worker=self.around.worker,
            happened_at=self.around.now(),
        )
