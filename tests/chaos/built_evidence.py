"""Evidence of a good run, built by hand, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from streams.chaos.checker.evidence import Change, End, Evidence, Money, Row, Transaction
from streams.chaos.checker.expected import expected_call
from streams.chaos.checker.money import FEE_BPS, GRANT, POOLS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALICE, BOB = "MY 001 AAA111 0AAAA 0001", "MY 002 BBB222 0BBBB 0002"


def command_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def transfer(number: int, payer: str = ALICE, payee: str = BOB, amount: int = 1000) -> Row:
    payload = {"fromUserId": payer, "toUserId": payee, "amount": amount, "remark": f"chaos {command_id(number)}"}
    return Row(command_id=command_id(number), command_type="TRANSFER_TOKENS", payload=payload, status="COMMITTED")


def failed(number: int) -> Row:
    row = transfer(number, amount=10**15)
    return replace(row, status="FAILED", error_code="CHAINCODE_REFUSED", error="insufficient funds")


def unfreeze(number: int) -> Row:
    return Row(
        command_id=command_id(number), command_type="UNFREEZE_WALLET", payload={"userID": ALICE}, status="COMMITTED"
    )


def user(number: int, name: str) -> Row:
    digest = command_id(number).replace("-", "") + "0" * 32
    payload = {"userId": name, "biometricHash": digest, "nationality": "MY", "age": 35}
    return Row(command_id=command_id(number), command_type="CREATE_USER", payload=payload, status="COMMITTED")


def bootstrap(number: int) -> Row:
    return Row(command_id=command_id(number), command_type="BOOTSTRAP_SYSTEM", payload={}, status="COMMITTED")


def transaction(row: Row, block: int, code: str = "VALID", transaction_id: str | None = None) -> Transaction:
    call = expected_call(row.command_type, row.payload)
    assert call is not None
    return Transaction(
        transaction_id=transaction_id or f"tx-{row.command_id}",
        code=code,
        block_number=block,
        position=0,
        identity=call.identity,
        arguments=call.arguments,
    )


def good(*rows: Row) -> Evidence:
    """Each row in a block of its own, in the order of the rows, after what every run begins with."""
    rows = (bootstrap(1), user(2, ALICE), user(3, BOB), *rows)
    settled, changes, transactions = [], list[Change](), []
    for block, row in enumerate(rows, 1):
        steps = ["PENDING", row.status]
        if row.status == "COMMITTED":
            made = transaction(row, block)
            transactions.append(made)
            settled.append(replace(row, transaction_id=made.transaction_id, block_number=block))
            steps.insert(1, "SUBMITTED")
        else:
            settled.append(row)
        for before, after in pairwise([None, *steps]):
            changes.append(change(len(changes), row.command_id, before, after or ""))
    ends = {row.command_id: End(row.status) for row in settled}
    return Evidence(ends=ends, rows=settled, changes=changes, transactions=transactions, money=money_after(list(rows)))


def change(number: int, of: str, before: str | None, after: str) -> Change:
    return Change(number=number, command_id=of, before=before, after=after, changed_at=NOON + timedelta(seconds=number))


def money_after(rows: list[Row]) -> Money:
    paid = [r.payload["amount"] for r in rows if r.command_type == "TRANSFER_TOKENS" and r.status == "COMMITTED"]
    fees = sum(amount * FEE_BPS // 10_000 for amount in paid)
    balances = {ALICE: GRANT - sum(paid) - fees, BOB: GRANT + sum(paid), "SYSTEM_OPERATIONS_FUND": fees}
    return Money(minted=POOLS, held=POOLS, balances=balances)
