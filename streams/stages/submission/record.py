"""What is known of one command on its way, and the outcomes that are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from streams.endings import Ending
from streams.errors import CommitRejected, LedgerError
from streams.ledger import LedgerEntry
from streams.messages import DeadLetterKind, Outcome, OutcomeKind, RoutedCommand

BUG = "BUG"
ID_REUSED = "COMMAND_ID_REUSED"
_OF_AN_ATTEMPT = ("endorsed", "submitted")


@dataclass(slots=True, kw_only=True)
class Record:
    """`attempt` is the current one (0, 1, ...); `tried` holds every transaction id; `stages` the time of each stage.

    `told` is what the newest news said; `redriven_by` as in Outcome.
    """

    command: RoutedCommand
    taken_at: datetime
    worker: str
    now: Callable[[], datetime]
    redriven_by: str | None = None
    attempt: int = 0
    tried: list[str] = field(default_factory=list, init=False)
    stages: dict[str, datetime] = field(init=False)
    told: OutcomeKind | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.stages = {
            "created": self.command.created_at,
            "captured": self.command.captured_at,
            "routed": self.command.routed_at,
            "taken": self.taken_at,
        }

    def note_id(self, transaction_id: str) -> None:
        """This id may come to be on the ledger."""
        if transaction_id not in self.tried:
            self.tried.append(transaction_id)

    def passed(self, stage: str) -> bool:
        """Note the time at which the attempt passed a stage; whether it was the first time."""
        is_first = stage not in self.stages
        self.stages.setdefault(stage, self.now())
        return is_first

    def start_anew(self) -> None:
        """The transaction in hand is dropped, and the times of its stages with it."""
        for stage in _OF_AN_ATTEMPT:
            self.stages.pop(stage, None)

    def submitted(self, transaction_id: str) -> Outcome | None:
        """With the orderer; may be on the ledger. None: that is no news.

        The first attempt is news, and each one that doubles their number: the row of a command that fights conflicts
        shows how hard and under which id, and the topic of results is not flooded with a record per conflict.
        """
        attempts = self.attempt + 1
        if self.told is OutcomeKind.SUBMITTED and attempts & (attempts - 1):
            return None
        self.told = OutcomeKind.SUBMITTED
        return self._outcome(OutcomeKind.SUBMITTED, transaction_id)

    def waiting(self, error: LedgerError) -> Outcome | None:
        """Held back until the chaincode's reason is lifted; not on the ledger. None: that was told already."""
        if self.told is OutcomeKind.WAITING:
            return None
        self.told = OutcomeKind.WAITING
        return self._outcome(OutcomeKind.WAITING, None, error_code=error.code, error=str(error))

    def committed(self, transaction_id: str, block_number: int, seen_at: datetime) -> Ending:
        """VALID."""
        self.stages["committed"] = seen_at
        return self._ending(self._outcome(OutcomeKind.COMMITTED, transaction_id, block_number), None)

    def failed(self, error: LedgerError) -> Ending:
        """Not on the ledger, and never will be."""
        match error:
            case CommitRejected(transaction_id=transaction_id, block_number=block_number):
                kind = DeadLetterKind.INVALID
                outcome = self._outcome(OutcomeKind.FAILED, transaction_id, block_number, error.code, str(error))
            case _:
                kind = DeadLetterKind.REFUSED
                outcome = self._outcome(OutcomeKind.FAILED, None, None, error.code, str(error))
        return self._ending(outcome, kind)

    def id_reused(self, entry: LedgerEntry) -> Ending:
        """The ledger holds a transaction of this id with other arguments."""
        text = "command id reused: the ledger holds a transaction of this id with other arguments"
        outcome = self._outcome(OutcomeKind.FAILED, entry.transaction_id, entry.block_number, ID_REUSED, text)
        return self._ending(outcome, DeadLetterKind.INVALID)

    def unknown(self, error: LedgerError, transaction_id: str, tries: int) -> Ending:
        """The ledger did not tell."""
        text = f"parked after {tries} tries without progress, may be on the ledger: {error}"
        outcome = self._outcome(OutcomeKind.PARKED, transaction_id, None, error.code, text)
        return self._ending(outcome, DeadLetterKind.UNKNOWN)

    def bug(self, bug: Exception, transaction_id: str | None) -> Ending:
        """Our own code failed. The text names the bug, never a payload."""
        text = f"parked by a bug ({type(bug).__name__}); may be on the ledger"
        return self._ending(self._outcome(OutcomeKind.PARKED, transaction_id, None, BUG, text), DeadLetterKind.BUG, bug)

    def _ending(self, outcome: Outcome, kind: DeadLetterKind | None, bug: Exception | None = None) -> Ending:
        return Ending(
            outcome=outcome,
            dead_letter_kind=kind,
            transaction_ids=tuple(self.tried),
            first_at=self.taken_at,
            bug=bug,
        )

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
            redriven_by=self.redriven_by,
            worker=self.worker,
            happened_at=self.now(),
        )
