"""A ledger that answers as it is told and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from streams.errors import (
    AlreadyApplied,
    CommitRejected,
    CommitUnknown,
    DuplicateTransaction,
    EndorseFailed,
    LedgerError,
    SubmitFailed,
)
from streams.ledger import VALID, Committed, LedgerEntry
from streams.messages import Origin, RoutedCommand

EARLY = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
TAKEN_AT = EARLY.replace(second=4)
SEEN_AT = datetime(2026, 1, 2, 5, tzinfo=UTC)
BLOCK = 7
APPLIED_BY = "id of another transaction"

COMMAND = RoutedCommand(
    command_id="c-1",
    tenant_id="default",
    command_type="TRANSFER_TOKENS",
    request_id="transfer-1",
    identity="org1-admin",
    contract="TokenomicsContract",
    function="TransferWithFees",
    arguments=("a", "b", "5"),
    ordering_key="a",
    created_at=EARLY.replace(second=1),
    captured_at=EARLY.replace(second=2),
    routed_at=EARLY.replace(second=3),
    captured_from=Origin(topic="gx.public.outbox_commands", partition=0, offset=7),
)
ARGUMENTS = (COMMAND.transaction_name, *COMMAND.arguments)


class Step(StrEnum):
    """What the ledger was asked to do."""

    ENDORSE = "endorse"
    SUBMIT = "submit"
    STATUS = "status"
    LOOK_UP = "look up"


Held = LedgerEntry | LedgerError | None
Answer = Callable[[str], Held]
"""Transaction id -> the answer: an error, None (OK; of a look-up: nothing is held), or what a look-up finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question and its answer; `envelope` tells the results of endorsements apart."""

    step: Step
    transaction_id: str
    envelope: int
    answer: Held


@dataclass(slots=True)
class ScriptedLedger:
    """Answers each step from its script, and when that has come to its end: OK, VALID."""

    endorse: Sequence[Answer] = ()
    submit: Sequence[Answer] = ()
    status: Sequence[Answer] = ()
    held: Sequence[Answer] = ()
    earlier: int = 0
    renewals: int = field(default=0, init=False)
    calls: list[Call] = field(default_factory=list, init=False)

    def propose(self, command: RoutedCommand, attempt: int) -> ScriptedProposal:
        certificates = self.earlier + self.renewals
        earlier_ids = tuple(id_of(attempt, command, earlier) for earlier in range(certificates))
        return ScriptedProposal(self, id_of(attempt, command, certificates), earlier_ids)

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        answer = self.answer(Step.LOOK_UP, transaction_id, self.held, then=entry())
        assert answer is None or isinstance(answer, LedgerEntry)
        return answer

    def at(self, step: Step) -> list[Call]:
        return [call for call in self.calls if call.step is step]

    @property
    def steps(self) -> list[Step]:
        return [call.step for call in self.calls]

    def answer(
        self, step: Step, transaction_id: str, script: Sequence[Answer], then: Answer | None = None, envelope: int = 0
    ) -> Held:
        """The next answer of the step's script, after its end always `then`; raised if it is an error."""
        answer = (*script, then or ok)[min(len(self.at(step)), len(script))](transaction_id)
        self.calls.append(Call(step=step, transaction_id=transaction_id, envelope=envelope, answer=answer))
        if isinstance(answer, LedgerError):
            raise answer
        return answer


@dataclass(frozen=True, slots=True)
class ScriptedProposal:
    ledger: ScriptedLedger
    transaction_id: str
    earlier_ids: tuple[str, ...]

    async def endorse(self) -> ScriptedTransaction:
        self.ledger.answer(Step.ENDORSE, self.transaction_id, self.ledger.endorse)
        return ScriptedTransaction(self.ledger, self.transaction_id, envelope=len(self.ledger.calls))


@dataclass(frozen=True, slots=True)
class ScriptedTransaction:
    ledger: ScriptedLedger
    transaction_id: str
    envelope: int
    result: bytes = b""

    async def submit(self) -> ScriptedCommit:
        self.ledger.answer(Step.SUBMIT, self.transaction_id, self.ledger.submit, envelope=self.envelope)
        return ScriptedCommit(self.ledger, self.transaction_id)


@dataclass(frozen=True, slots=True)
class ScriptedCommit:
    ledger: ScriptedLedger
    transaction_id: str

    async def status(self) -> Committed:
        self.ledger.answer(Step.STATUS, self.transaction_id, self.ledger.status)
        return Committed(transaction_id=self.transaction_id, block_number=BLOCK, seen_at=SEEN_AT)


def id_of(attempt: int, command: RoutedCommand = COMMAND, certificate: int = 0) -> str:
    return f"id of {command.command_id}, attempt {attempt}" + (f", certificate {certificate}" if certificate else "")


def ok(_: str) -> None:
    """Done; of a look-up: nothing is held under this id."""


nothing = ok


def endorse_failed(*, refused: bool) -> Answer:
    return says("insufficient funds") if refused else not_endorsed("PEER_UNAVAILABLE")


def says(text: str) -> Answer:
    """The chaincode refuses."""
    return lambda asked: EndorseFailed(text, code="CHAINCODE_REFUSED", transaction_id=asked, refused=True)


def not_endorsed(code: str) -> Answer:
    return lambda asked: EndorseFailed("no endorsement", code=code, transaction_id=asked, refused=False)


def duplicate(transaction_id: str) -> LedgerError:
    return DuplicateTransaction("on the ledger already", code="DUPLICATE_TRANSACTION", transaction_id=transaction_id)


def already_applied(transaction_id: str) -> LedgerError:
    return AlreadyApplied("already applied", transaction_id=transaction_id, applied_by=APPLIED_BY)


def submit_failed(*, may_be_on_ledger: bool, refused: bool = False) -> Answer:
    return lambda transaction_id: SubmitFailed(
        "not OK",
        code="ENVELOPE_TOO_LARGE" if refused else "TIMEOUT",
        transaction_id=transaction_id,
        may_be_on_ledger=may_be_on_ledger,
        refused=refused,
    )


def unknown(transaction_id: str) -> LedgerError:
    return CommitUnknown("in no block", code="NOT_IN_A_BLOCK", transaction_id=transaction_id)


def rejected(code: str) -> Answer:
    return lambda transaction_id: CommitRejected(
        f"in block {BLOCK} as {code}", code=code, transaction_id=transaction_id, block_number=BLOCK
    )


def entry(code: str = VALID, arguments: tuple[str, ...] = ARGUMENTS) -> Answer:
    return lambda transaction_id: LedgerEntry(
        transaction_id=transaction_id, code=code, block_number=BLOCK, arguments=arguments, result=b""
    )
