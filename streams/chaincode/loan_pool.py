"""LoanPoolContract: loans out of the system's pool.

The reference deployment lets only the borrower's own certificate apply; with shared identities anyone with the role
may.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from streams.chaincode import accounts
from streams.chaincode.arguments import amount, sha256_hex
from streams.chaincode.call import Call
from streams.chaincode.identity import require_user
from streams.chaincode.parameters import MINIMUM_TRUST_SCORE, parameter
from streams.chaincode.state import ChaincodeRefused

_QIRAT_PER_COIN = 1_000_000
_MINIMUM = 100 * _QIRAT_PER_COIN
_MAXIMUM = 1_000_000 * _QIRAT_PER_COIN


class LoanStatus(StrEnum):
    """How far a loan has come."""

    PENDING_APPROVAL = "PENDING_APPROVAL"
    ACTIVE = "ACTIVE"


@dataclass(frozen=True)
class Loan:
    """`amount` in Qirat."""

    borrower_id: str
    amount: int
    collateral_hash: str
    applied_at: str
    status: str = LoanStatus.PENDING_APPROVAL


def apply_for_loan(call: Call, borrower_id: str, amount_text: str, collateral_hash: str) -> object:
    """ApplyForLoan: the answer's `loanId` is LOAN_ and 8 digits of the transaction id."""
    qirat = amount(amount_text, position=1)
    collateral = sha256_hex(collateral_hash, "collateralHash")
    if qirat < _MINIMUM:
        raise ChaincodeRefused(f"loan amount {qirat} below minimum {_MINIMUM}")
    if qirat > _MAXIMUM:
        raise ChaincodeRefused(f"loan amount {qirat} exceeds maximum {_MAXIMUM}")
    trust_score, minimum = require_user(call, borrower_id).trust_score, parameter(call, MINIMUM_TRUST_SCORE)
    if trust_score < minimum:
        raise ChaincodeRefused(f"trust score {trust_score} below minimum {minimum}")
    loan_id = call.new_id("LOAN")
    if call.read(_key(loan_id)) is not None:
        raise ChaincodeRefused(f"loan {loan_id} already exists")
    call.store(_key(loan_id), Loan(borrower_id, qirat, collateral, call.now))
    call.announce("LoanApplied", loanId=loan_id, borrowerId=borrower_id, amount=qirat)
    return {"loanId": loan_id, "status": LoanStatus.PENDING_APPROVAL}


def approve_loan(call: Call, loan_id: str) -> object:
    """ApproveLoan: pays the loan out."""
    loan = _require(call, loan_id)
    if loan.status != LoanStatus.PENDING_APPROVAL:
        raise ChaincodeRefused(f"loan not pending approval: {loan_id}")
    try:
        accounts.pay(call, accounts.LOAN_POOL, loan.borrower_id, loan.amount)
    except ChaincodeRefused as refusal:
        raise ChaincodeRefused(f"fund transfer failed: {refusal.message}") from refusal
    call.store(_key(loan_id), replace(loan, status=LoanStatus.ACTIVE))
    call.announce("LoanApproved", loanId=loan_id, amount=loan.amount)
    return {"loanId": loan_id, "status": LoanStatus.ACTIVE}


def get_loan(call: Call, loan_id: str) -> object:
    """GetLoan: the loan."""
    loan = _require(call, loan_id)
    return {
        "loanId": loan_id,
        "borrowerId": loan.borrower_id,
        "amount": loan.amount,
        "appliedAt": loan.applied_at,
        "status": loan.status,
    }


def _require(call: Call, loan_id: str) -> Loan:
    loan = call.load(Loan, _key(loan_id))
    if loan is None:
        raise ChaincodeRefused(f"loan not found: {loan_id}")
    return loan


def _key(loan_id: str) -> str:
    return f"loan~{loan_id}"
