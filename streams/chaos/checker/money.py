"""No money is made or lost: the balances are what the VALID transactions, added up by ourselves, make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from streams.chaos.checker.evidence import VALID, Evidence, Transaction, Violation

# Of the reference chaincode; the workload changes neither.
GRANT, FEE_BPS = 500_000_000, 30
POOLS = 800_000_000_000_000_000
_FUND = "SYSTEM_OPERATIONS_FUND"


def money_is_conserved(evidence: Evidence) -> Iterator[Violation]:
    """What is held is what was made, and every account has what was paid to it less what it paid."""
    if evidence.money is None:
        return
    minted, balances = _add_up(evidence)
    told = evidence.money
    if not told.minted == told.held == minted:
        yield _wrong(f"made {told.minted}, held {told.held}, by the blocks {minted}")
    for account, balance in told.balances.items():
        if balance != balances[account]:
            yield _wrong(f"{account} holds {balance}, by the blocks {balances[account]}")
        if balance < 0:
            yield _wrong(f"{account} holds {balance}")


def _add_up(evidence: Evidence) -> tuple[int, Counter[str]]:
    minted, balances = 0, Counter[str]()
    for transaction in evidence.transactions:
        if transaction.code == VALID and transaction.arguments:
            minted += _made(transaction)
            _move(transaction, balances)
    return minted, balances


def _made(transaction: Transaction) -> int:
    match transaction.arguments:
        case ("AdminContract:BootstrapSystem",):
            return POOLS
        case ("TokenomicsContract:Mint", _, amount, _):
            return int(amount)
    return 0


def _move(transaction: Transaction, balances: Counter[str]) -> None:
    match transaction.arguments:
        case ("IdentityContract:CreateUser", user, *_):
            balances[user] += GRANT
        case ("TokenomicsContract:TransferWithFees", payer, payee, amount, *_):
            fee = int(amount) * FEE_BPS // 10_000
            balances[payer] -= int(amount) + fee
            balances[payee] += int(amount)
            balances[_FUND] += fee
        case ("TokenomicsContract:Mint", account, amount, _):
            balances[account] += int(amount)


def _wrong(text: str) -> Violation:
    return Violation(rule="money is conserved", text=text)
