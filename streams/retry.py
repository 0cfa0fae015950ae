"""Error -> verdict, and how long to wait. Pure.

The first question is always whether the transaction may be on the ledger: then nothing but the same transaction
may be tried, and nothing may be called failed.
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


class Verdict(StrEnum):
    """What to do about an error."""

    SAME_TRANSACTION = "same transaction"
    NEW_TRANSACTION = "new transaction"
    LOOK_UP = "look up"
    GIVE_UP = "give up"


def verdict(error: LedgerError, *, may_be_on_ledger: bool) -> Verdict:
    """What to do about an error of the current transaction.

    `may_be_on_ledger`: an earlier Submit of this very transaction ended without a definite refusal.
    """
    match error:
        case DuplicateTransaction() | AlreadyApplied():
            return Verdict.LOOK_UP
        case CommitRejected(code=code) if code == DUPLICATE_TXID:
            return Verdict.LOOK_UP
        case CommitRejected(code=code):
            return Verdict.NEW_TRANSACTION if code in CONFLICTS else Verdict.GIVE_UP
        case SubmitFailed(may_be_on_ledger=False, refused=True) | EndorseFailed(refused=True) if not may_be_on_ledger:
            return Verdict.GIVE_UP
        case _:
            # An error of a kind that nobody thought of must not fail a command: the transaction may be there.
            return Verdict.SAME_TRANSACTION


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
