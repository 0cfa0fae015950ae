"""Error -> verdict, and how long to wait. Pure.

The first question is always whether the transaction may be on the ledger: then nothing but the same transaction
may be tried, and nothing may be called failed. The second is whether the error says anything about the command at all,
or only that the way to the ledger is ill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from streams.errors import (
    AlreadyApplied,
    CommitRejected,
    DuplicateTransaction,
    EndorseFailed,
    LedgerError,
    SubmitFailed,
)

CONFLICTS = frozenset({"MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT"})
"""Codes that a new transaction can cure: it reads the state anew. Fabric: protos/peer/transaction.proto."""

DUPLICATE_TXID = "DUPLICATE_TXID"
"""Says only that an earlier entry has the id; that one decides."""

OVERLOADED = "OVERLOADED"
"""The gateway has too many calls at once; fewer of them cure it."""

IDENTITY_REFUSED = frozenset({"IDENTITY_EXPIRED", "ACCESS_DENIED"})
"""The codes with which a certificate is refused; another one may be accepted."""

IDENTITY_ILL = IDENTITY_REFUSED | {
    "CANCELLED",
    "CHAINCODE_UNAVAILABLE",
    "NOT_IN_A_BLOCK",
    "ORDERER_REFUSED",
    "ORDERER_UNAVAILABLE",
    "PEER_UNAVAILABLE",
    "REQUEST_INVALID",
    "TIMEOUT",
    "TLS",
    "UNKNOWN_CHAINCODE",
    "UNKNOWN_CHANNEL",
    "UNRECOGNISED",
}
"""The codes that say nothing about the command: the gateway, the ordering service or our own credentials are ill."""


class Step(StrEnum):
    """Which question to the ledger was answered, or not: each can be ill while the others are well."""

    ENDORSE = "endorse"
    SUBMIT = "submit"
    COMMIT = "commit"
    LOOK_UP = "look up"


class Meaning(StrEnum):
    """What a chaincode's refusal means: for good, until something is lifted, or perhaps not the next time."""

    REFUSE = "refuse"
    WAIT = "wait"
    RETRY = "retry"


class Verdict(StrEnum):
    """What to do about an error.

    WAIT_FOR_IDENTITY: the same transaction, once the way to the ledger is well; it is not the command's fault.
    WAIT: the same transaction, once the chaincode's reason is lifted.
    """

    SAME_TRANSACTION = "same transaction"
    NEW_TRANSACTION = "new transaction"
    LOOK_UP = "look up"
    WAIT = "wait"
    WAIT_FOR_IDENTITY = "wait for the identity"
    GIVE_UP = "give up"


def verdict(
    error: LedgerError, *, may_be_on_ledger: bool, is_in_doubt: bool = False, meaning: Meaning = Meaning.REFUSE
) -> Verdict:
    """What to do about an error of the current transaction.

    `may_be_on_ledger`: an earlier Submit of this very transaction ended without a definite refusal. `is_in_doubt`:
    another process may have submitted it, and nobody has looked yet. `meaning`: of the text of a chaincode's refusal.
    """
    match error:
        case DuplicateTransaction() | AlreadyApplied():
            return Verdict.LOOK_UP
        case CommitRejected(code=code) if code == DUPLICATE_TXID:
            return Verdict.LOOK_UP
        case CommitRejected(code=code):
            return Verdict.NEW_TRANSACTION if code in CONFLICTS else Verdict.GIVE_UP
        case SubmitFailed(may_be_on_ledger=False, refused=True) | EndorseFailed(refused=True) if not may_be_on_ledger:
            return Verdict.LOOK_UP if is_in_doubt else _refused(error, meaning)
        case _ if error.code in IDENTITY_ILL or error.code == OVERLOADED:
            return Verdict.WAIT_FOR_IDENTITY
        case _:
            # An error of a kind that nobody thought of must not fail a command: the transaction may be there.
            return Verdict.SAME_TRANSACTION


def _refused(error: LedgerError, meaning: Meaning) -> Verdict:
    """Only a chaincode's words can mean anything but no."""
    if not is_chaincodes_word(error):
        return Verdict.GIVE_UP
    match meaning:
        case Meaning.REFUSE:
            return Verdict.GIVE_UP
        case Meaning.WAIT:
            return Verdict.WAIT
        case Meaning.RETRY:
            return Verdict.SAME_TRANSACTION


def is_chaincodes_word(error: LedgerError) -> bool:
    """The chaincode ran and said no: the message is its own text."""
    return isinstance(error, EndorseFailed) and error.refused and error.code == "CHAINCODE_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential back-off with full jitter: uniform in [0, min(cap, base * 2^(n-1))], seconds."""

    base_s: float
    cap_s: float
    jitter: Callable[[float, float], float]

    def wait_s(self, failures: int) -> float:
        """How long to wait after the n-th failure in a row (1, 2, ...)."""
        exponent = min(failures - 1, 30)
        return self.jitter(0.0, min(self.cap_s, self.base_s * 2**exponent))
