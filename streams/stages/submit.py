"""RoutedCommand -> Outcome: carry one command to a final answer of the ledger.

The ledger is the journal: the transaction id of every attempt follows from the command, so after any crash the same
steps lead to the same ids. Attempt n+1 is made only after the ledger said that n is invalid for good. Silence never
advances the attempt: the same envelope is submitted again until the ledger answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from streams.endings import Ending
from streams.errors import AlreadyApplied, CommitRejected, LedgerError, SubmitFailed
from streams.ledger import VALID, Ledger, LedgerEntry, Transaction
from streams.messages import DeadLetterKind, Outcome, OutcomeKind, RoutedCommand
from streams.retry import DUPLICATE_TXID, Backoff, Verdict, verdict

BUG = "BUG"
ID_REUSED = "COMMAND_ID_REUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the stage needs from outside: the ledger, time, patience, and who to tell."""

    ledger: Ledger
    backoff: Backoff
    conflict_backoff: Backoff
    max_attempts: int
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    report: Callable[[Outcome], Awaitable[None]]  # must not raise: news of a command is not its fate
    notice: Callable[[RoutedCommand, LedgerError, Verdict], None]
    worker: str


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
    attempt: int = field(default=0, init=False)
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

    async def run(self) -> Ending:
        while True:
            try:
                return await self._try()
            except LedgerError as error:
                ending = await self._after(error)
                if ending is not None:
                    return ending

    async def _try(self) -> Ending:
        """One pass through the steps that are still to be made. Raises LedgerError."""
        if self.transaction is None:
            self.transaction = await self.around.ledger.propose(self.command, self.attempt).endorse()
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
                pass
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
        if entry.code != VALID:
            message = f"transaction is on the ledger as {entry.code}"
            return await self._after(
                CommitRejected(message, code=entry.code, transaction_id=transaction_id, block_number=entry.block_number)
            )
        if entry.arguments != (self.command.transaction_name, *self.command.arguments):
            return self._id_reused(entry)
        self.stages["committed"] = self.around.now()
        return self._committed(transaction_id, entry.block_number)

    async def _next_attempt(self) -> None:
        """The ledger said that this attempt is invalid for good; wait until the state may have moved on."""
        self.attempt, self.transaction, self.may_be_on_ledger, self.failures = self.attempt + 1, None, False, 0
        for stage in ("endorsed", "submitted"):
            self.stages.pop(stage, None)
        await self.around.sleep(self.around.conflict_backoff.wait_s(self.attempt))

    async def _back_off(self) -> None:
        self.failures += 1
        await self.around.sleep(self.around.backoff.wait_s(self.failures))

    def _committed(self, transaction_id: str, block_number: int) -> Ending:
        outcome = self._outcome(OutcomeKind.COMMITTED, transaction_id, block_number=block_number)
        return Ending(outcome=outcome, dead_letter_kind=None, transaction_ids=self._transaction_ids())

    def _failed(self, error: LedgerError) -> Ending:
        failed = partial(self._outcome, OutcomeKind.FAILED, error_code=error.code, error=str(error))
        match error:
            case CommitRejected(transaction_id=transaction_id, block_number=block_number):
                kind, outcome = DeadLetterKind.INVALID, failed(transaction_id, block_number=block_number)
            case _:
                kind, outcome = DeadLetterKind.REFUSED, failed(None)
        return Ending(outcome=outcome, dead_letter_kind=kind, transaction_ids=self._transaction_ids())

    def parked(self, bug: Exception) -> Ending:
        """Our own code failed: the command may be on the ledger. The text names the bug, never a payload."""
        outcome = self._outcome(
            OutcomeKind.PARKED,
            self.transaction.transaction_id if self.transaction else None,
            error_code=BUG,
            error=f"parked by a bug ({type(bug).__name__}); may be on the ledger",
        )
        ids = self._transaction_ids() if self.transaction else ()
        return Ending(outcome=outcome, dead_letter_kind=DeadLetterKind.BUG, transaction_ids=ids, bug=bug)

    def _id_reused(self, entry: LedgerEntry) -> Ending:
        outcome = self._outcome(
            OutcomeKind.FAILED,
            entry.transaction_id,
            block_number=entry.block_number,
            error_code=ID_REUSED,
            error="command id reused: the ledger holds a transaction of this id with other arguments",
        )
        ids = self._transaction_ids()
        return Ending(outcome=outcome, dead_letter_kind=DeadLetterKind.INVALID, transaction_ids=ids)

    def _transaction_ids(self) -> tuple[str, ...]:
        propose = self.around.ledger.propose
        return tuple(propose(self.command, attempt).transaction_id for attempt in range(self.attempt + 1))

    def _outcome(
        self,
        kind: OutcomeKind,
        transaction_id: str | None,
        *,
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
