"""Money is neither made nor lost, whatever is called."""

from __future__ import annotations

from chaincode_ledger import running_ledger
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.chaincode.state import ChaincodeRefused

ACCOUNTS = st.sampled_from(["alice", "bob", "carol", "treasury_MY", "SYSTEM_OPERATIONS_FUND", "SYSTEM_LOAN_POOL"])
AMOUNTS = st.integers(1, 300_000_000)
TRANSFERS = st.tuples(st.just("TransferWithFees"), ACCOUNTS, ACCOUNTS, AMOUNTS)
TAXES = st.tuples(st.just("ApplyVelocityTax"), ACCOUNTS, ACCOUNTS, st.integers(1, 10_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(TRANSFERS | TAXES, max_size=12), st.integers(0, 10_000))
def test_transfers_fees_and_taxes_conserve_the_sum_of_all_balances(
    movements: list[tuple[str, str, str, int]], fee_bps: int
) -> None:
    ledger = running_ledger()
    ledger.call("ActivateTreasuryAccount", "MY")
    ledger.call("UpdateSystemParameter", "transactionFeeBps", str(fee_bps))
    before = ledger.call("GetTotalSupply")["held"]
    for function, payer, payee, number in movements:
        arguments: tuple[str, ...] = (payer, str(number))
        if function == "TransferWithFees":
            arguments = (payer, payee, str(number), "", "r", "")
        try:
            ledger.call(function, *arguments)
        except ChaincodeRefused:
            continue
    assert ledger.call("GetTotalSupply") == {"held": before, "minted": before}
    assert min(ledger.balance(user) for user in ("alice", "bob", "carol")) >= 0
    system = sum(ledger.balance(fund) for fund in ("SYSTEM_OPERATIONS_FUND", "SYSTEM_LOAN_POOL", "treasury_MY"))
    people = sum(ledger.balance(user) for user in ("alice", "bob", "carol"))
    assert system + people + ledger.balance("SYSTEM_USER_GENESIS_POOL") == before


@settings(max_examples=60, deadline=None)
@given(AMOUNTS, st.integers(0, 10_000))
def test_what_the_payer_loses_is_what_payee_and_operations_fund_gain(qirat: int, fee_bps: int) -> None:
    ledger = running_ledger()
    ledger.call("UpdateSystemParameter", "transactionFeeBps", str(fee_bps))
    ledger.call("Mint", "alice", "1000000000", "r")
    fee = ledger.call("TransferWithFees", "alice", "bob", str(qirat), "", "r", "")["fee"]
    assert fee == qirat * fee_bps // 10_000
    assert ledger.balance("alice") == 1_500_000_000 - qirat - fee
    assert ledger.balance("bob") == 500_000_000 + qirat
    assert ledger.balance("SYSTEM_OPERATIONS_FUND") == fee
