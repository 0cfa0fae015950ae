"""The way into the reference chaincode: finding the function, command ids, what a call reads and writes."""

from __future__ import annotations

import pytest
from chaincode_ledger import ADMIN, HASH, PARTNER, Ledger, full_name, running_ledger

from streams.chaincode.memory import MemoryState
from streams.chaincode.state import ChaincodeRefused


@pytest.fixture
def ledger() -> Ledger:
    return running_ledger()


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("Admin:PauseSystem", "Contract not found with name Admin"),
        ("AdminContract:Nothing", "Function Nothing not found in contract AdminContract"),
        ("AdminContract:", "Blank function name passed"),
        ("Nothing", "Function Nothing not found in contract IdentityContract"),
    ],
)
def test_an_unknown_function_is_refused(ledger: Ledger, function: str, text: str) -> None:
    with pytest.raises(ChaincodeRefused) as refused:
        ledger.chaincode.invoke(function, [], ledger.state(PARTNER))
    assert (refused.value.status, refused.value.message) == (500, text)


def test_a_function_without_a_contract_is_one_of_the_first_contract(ledger: Ledger) -> None:
    answer = ledger.chaincode.invoke("GetUser", ["alice"], ledger.state(PARTNER))
    assert b'"userId":"alice"' in answer


def test_a_wrong_number_of_arguments_is_refused(ledger: Ledger) -> None:
    text = "Incorrect number of params. Expected 2, received 3"
    assert ledger.refusal("DistributeGenesis", "dora", "MY", "individual") == text


def test_a_command_id_is_applied_once(ledger: Ledger) -> None:
    transfer = ("TransferWithFees", "alice", "bob", "1000000", "", "Rent", "")
    first = ledger.call(*transfer, command_id="c1")
    state = ledger.state(ADMIN, "c1")
    with pytest.raises(ChaincodeRefused) as refused:
        ledger.chaincode.invoke(full_name(transfer[0]), transfer[1:], state)
    text = f"command c1 already applied by transaction {first['transactionId']}"
    assert (refused.value.status, refused.value.message) == (409, text)
    assert ledger.balance("bob") == 501_000_000
    ledger.call(*transfer, command_id="c2")
    assert ledger.balance("bob") == 502_000_000


def test_a_refused_command_leaves_its_id_free(ledger: Ledger) -> None:
    ledger.refusal("TransferWithFees", "alice", "bob", "0", "", "Rent", "", command_id="c1")
    ledger.call("TransferWithFees", "alice", "bob", "1", "", "Rent", "", command_id="c1")


def test_the_command_id_is_looked_at_before_anything_else(ledger: Ledger) -> None:
    ledger.call("PauseSystem", "drill", command_id="c1")
    refusal = ledger.refusal("TransferWithFees", "too few arguments", by=PARTNER, command_id="c1")
    assert refusal.startswith("command c1 already applied by transaction ")


def test_a_command_id_that_is_no_text_is_refused(ledger: Ledger) -> None:
    state = ledger.state(ADMIN)
    state.transient = {"command_id": b"\xff"}
    with pytest.raises(ChaincodeRefused, match="the transient command_id is not UTF-8"):
        ledger.chaincode.invoke("AdminContract:AppointAdmin", ["dora"], state)


def test_a_reading_function_takes_no_command_id(ledger: Ledger) -> None:
    assert ledger.simulate("GetBalance", "alice", command_id="c1").writes == {}


def test_two_endorsers_come_to_the_same_bytes(ledger: Ledger) -> None:
    def endorse() -> tuple[bytes, MemoryState]:
        state = MemoryState(
            dict(reversed(ledger.entries.items())),
            transaction_id="ab" * 32,
            timestamp=ledger.state(ADMIN).timestamp,
            creator=ADMIN,
            transient={"command_id": b"c1"},
        )
        arguments = ["alice", "bob", "1000000", "", "Miete für Dezember", "key"]
        return ledger.chaincode.invoke("TokenomicsContract:TransferWithFees", arguments, state), state

    (first_answer, first), (second_answer, second) = endorse(), endorse()
    assert first_answer == second_answer
    assert list(first.writes.items()) == list(second.writes.items())
    assert (first.reads, first.event) == (second.reads, second.event)


def test_transfers_of_different_people_do_not_conflict(ledger: Ledger) -> None:
    ledger.call("CreateUser", "dora", HASH, "DE", "40")
    one = ledger.simulate("TransferWithFees", "alice", "bob", "100000000", "", "r", "", command_id="c1")
    other = ledger.simulate("TransferWithFees", "carol", "dora", "100000000", "", "r", "", command_id="c2")
    assert not one.writes.keys() & (other.reads | other.writes.keys())
    assert not one.scans | other.scans
    one.apply()
    other.apply()
    assert ledger.balance("SYSTEM_OPERATIONS_FUND") == 600_000


def test_transfers_to_one_payee_conflict(ledger: Ledger) -> None:
    one = ledger.simulate("TransferWithFees", "alice", "bob", "1", "", "r", "")
    other = ledger.simulate("TransferWithFees", "carol", "bob", "1", "", "r", "")
    assert one.writes.keys() & other.reads == {"account~bob"}


def test_new_users_conflict_on_the_documented_hot_keys(ledger: Ledger) -> None:
    one = ledger.simulate("CreateUser", "dora", HASH, "DE", "40")
    other = ledger.simulate("CreateUser", "eric", HASH, "DE", "40")
    assert {"GlobalCounters", "stats_DE"} <= one.writes.keys() & other.reads


def test_every_change_announces_an_event(ledger: Ledger) -> None:
    event = ledger.simulate("FreezeWallet", "alice", "ADMIN_ACTION").event
    assert event == ("WalletFrozen", b'{"reason":"ADMIN_ACTION","userId":"alice"}')
