"""Money: accounts and payments between them. Amounts are Qirat.

The operations fund receives the fee of every transfer. Adding to one balance would make all transfers of a block
conflict, so each transaction leaves its credit under a key of its own, `fee~<transaction id>`, and a read sums them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from streams.chaincode.call import Call, decode
from streams.chaincode.state import ChaincodeRefused

OPERATIONS_FUND = "SYSTEM_OPERATIONS_FUND"
LOAN_POOL = "SYSTEM_LOAN_POOL"
GENESIS_POOL = "SYSTEM_USER_GENESIS_POOL"

_ACCOUNTS = "account~"
_FEES = "fee~"


class Kind(StrEnum):
    """Whose account it is."""

    USER = "user"
    ORGANIZATION = "organization"
    TREASURY = "treasury"
    SYSTEM = "system"


@dataclass(frozen=True)
class Account:
    """`balance` in Qirat; `frozen_because` is None while the account may be used."""

    kind: Kind
    balance: int = 0
    frozen_because: str | None = None


def find(call: Call, account_id: str) -> Account | None:
    """The account, None when there is none."""
    return call.load(Account, _ACCOUNTS + account_id)


def require(call: Call, account_id: str) -> Account:
    """The account. Refused when there is none."""
    account = find(call, account_id)
    if account is None:
        raise ChaincodeRefused(f"balance for account {account_id} not found")
    return account


def save(call: Call, account_id: str, account: Account) -> None:
    """Write the account."""
    call.store(_ACCOUNTS + account_id, account)


def open_account(call: Call, account_id: str, kind: Kind, balance: int = 0) -> None:
    """A new account. Refused when the id is taken."""
    if find(call, account_id) is not None:
        raise ChaincodeRefused(f"the account {account_id} already exists")
    save(call, account_id, Account(kind, balance))


def credit(call: Call, account_id: str, amount: int) -> None:
    """Add to an existing account."""
    account = require(call, account_id)
    if account_id == OPERATIONS_FUND:
        _leave_for_operations_fund(call, amount)
    else:
        save(call, account_id, replace(account, balance=account.balance + amount))


def collect(call: Call, payer: str, amount: int) -> None:
    """Take a fee or tax for the operations fund, also from a frozen account."""
    _debit(call, payer, amount)
    _leave_for_operations_fund(call, amount)


def pay(call: Call, payer: str, payee: str, amount: int, fee: int = 0) -> None:
    """Move `amount` from payer to payee and `fee` to the operations fund.

    Refused when an account is missing or frozen, or the payer holds less than both together.
    """
    if require(call, payer).frozen_because is not None:
        raise ChaincodeRefused("cannot transfer: sender wallet is frozen")
    if require(call, payee).frozen_because is not None:
        raise ChaincodeRefused("cannot transfer: receiver wallet is frozen")
    _debit(call, payer, amount + fee)
    credit(call, payee, amount)
    if fee:
        _leave_for_operations_fund(call, fee)


def balance_of(call: Call, account_id: str) -> int:
    """What the account holds, for the operations fund with every fee. Refused when there is no account."""
    balance = require(call, account_id).balance
    return balance + _fees(call) if account_id == OPERATIONS_FUND else balance


def total_held(call: Call) -> int:
    """The sum of all accounts."""
    return sum(decode(Account, value).balance for _, value in call.scan(_ACCOUNTS)) + _fees(call)


def _debit(call: Call, account_id: str, amount: int) -> None:
    account = require(call, account_id)
    if account.balance < amount:
        raise ChaincodeRefused(f"insufficient funds: account {account_id} holds {account.balance}, needs {amount}")
    save(call, account_id, replace(account, balance=account.balance - amount))


def _leave_for_operations_fund(call: Call, amount: int) -> None:
    key = _FEES + call.transaction_id
    call.write(key, str(int(call.read(key) or 0) + amount).encode())


def _fees(call: Call) -> int:
    return sum(int(value) for _, value in call.scan(_FEES))
