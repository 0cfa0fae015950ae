"""What is to be done about a command, from all that is known of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.messages import DeadLetterKind, Origin, OutcomeKind
from streams.operations.history import Told
from streams.operations.truth import Committed, NotKnown, NotThere, Open, Refused, Reused, Truth

FOR_GOOD = frozenset({"COMMAND_ID_REUSED", "ARGUMENT_NOT_TEXT", "MALFORMED_PAYLOAD", "WRONG_ARGUMENT_TYPE"})
"""Codes of failures that the same command will meet again, whatever has changed since."""


class Verdict(StrEnum):
    """What a replay does about a record."""

    COMMITTED = "already committed"
    NEVER_SUBMITTED = "never submitted"
    IN_DOUBT = "in doubt"
    FAILED_CURABLE = "failed, curable"
    FAILED_FOR_GOOD = "failed for good"
    SUPERSEDED = "superseded"
    IN_PROGRESS = "in progress"
    UNREADABLE = "unreadable"
    NOT_KNOWN = "not known"


ACTIONS = {
    Verdict.COMMITTED: "skip",
    Verdict.NEVER_SUBMITTED: "submit",
    Verdict.IN_DOUBT: "same transaction again",
    Verdict.FAILED_CURABLE: "needs --include-failed",
    Verdict.FAILED_FOR_GOOD: "skip",
    Verdict.SUPERSEDED: "skip",
    Verdict.IN_PROGRESS: "skip: the line is at it",
    Verdict.UNREADABLE: "skip",
    Verdict.NOT_KNOWN: "skip: see the cause",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one record of a command. `later`: where a newer one stands; `is_taken`: the workers are behind it.

    `row_status` and `row_transaction_id` are None without a row. `truth` is None where the ledger was not asked.
    """

    later: Origin | None
    is_taken: bool
    told: Told | None
    row_status: str | None
    row_transaction_id: str | None = None
    truth: Truth | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what it follows from."""

    verdict: Verdict
    cause: str = ""


def needs_ledger(facts: Facts, *, is_proof_wanted: bool) -> bool:
    """Whether the ledger must be asked: an outcome COMMITTED is its word already."""
    if facts.later is not None or not facts.is_taken:
        return False
    is_committed = facts.told is not None and facts.told.outcome is OutcomeKind.COMMITTED
    return is_proof_wanted or not is_committed


def judge(facts: Facts) -> Judgement:
    """The verdict on one record."""
    told = facts.told
    if facts.later is not None:
        return Judgement(Verdict.SUPERSEDED, f"came again at {facts.later}")
    if not facts.is_taken:
        return Judgement(Verdict.IN_PROGRESS, "not acknowledged yet")
    match facts.truth:
        case Committed(entry):
            return Judgement(Verdict.COMMITTED, f"{entry.transaction_id} in block {entry.block_number}")
        case Reused(entry):
            return Judgement(Verdict.FAILED_FOR_GOOD, f"command id reused: {entry.transaction_id} has other arguments")
        case Refused(code):
            return Judgement(Verdict.FAILED_FOR_GOOD, f"on the ledger as {code}")
        case NotKnown(cause):
            return Judgement(Verdict.NOT_KNOWN, f"the ledger could not be asked: {cause}")
        case None:
            return Judgement(Verdict.COMMITTED, "as its outcome says")
        case NotThere() | Open():
            return _not_on_ledger(facts, told, facts.truth)


def _not_on_ledger(facts: Facts, told: Told | None, truth: NotThere | Open) -> Judgement:
    outcome = told.outcome if told else None
    if outcome is OutcomeKind.COMMITTED or (outcome is None and facts.row_status == "COMMITTED"):
        who = "its outcome" if outcome else "the row"
        return Judgement(Verdict.NOT_KNOWN, f"{who} says COMMITTED, the ledger does not: see streams reconcile")
    if told is not None and (outcome is OutcomeKind.FAILED or (outcome is None and _is_failure(told))):
        code, text = told.error_code or told.letter or "", told.error or ""
        is_for_good = code in FOR_GOOD
        return Judgement(Verdict.FAILED_FOR_GOOD if is_for_good else Verdict.FAILED_CURABLE, f"{code}: {text}")
    if outcome is None and facts.row_status == "FAILED":
        return Judgement(Verdict.FAILED_CURABLE, "the row says FAILED")
    if outcome is None and facts.row_transaction_id is not None:
        # A worker before this line may have submitted it, under an id that does not follow from the command.
        return Judgement(Verdict.NOT_KNOWN, f"the row names {facts.row_transaction_id}: see streams reconcile")
    if isinstance(truth, Open):
        return Judgement(Verdict.IN_DOUBT, f"attempt {truth.attempt} is open")
    if outcome in (OutcomeKind.SUBMITTED, OutcomeKind.PARKED):
        return Judgement(Verdict.IN_DOUBT, f"{outcome.value}, and not on the ledger yet")
    return Judgement(Verdict.NEVER_SUBMITTED, "" if outcome is None else "was held back")


def _is_failure(told: Told) -> bool:
    return told.letter is not None and told.letter not in (DeadLetterKind.UNKNOWN, DeadLetterKind.BUG)
