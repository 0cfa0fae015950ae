"""The checker finds what is planted, and nothing where nothing is."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import built_evidence as built
import pytest

from streams.chaos import checker as checking
from streams.chaos.checker.check import check
from streams.chaos.checker.evidence import Evidence, Money, Row, Transaction

FIRST, SECOND, REFUSED = (built.command_id(number) for number in (10, 11, 12))


@pytest.fixture
def good() -> Evidence:
    return built.good(built.transfer(10), built.transfer(11), built.failed(12))


def found(evidence: Evidence) -> set[tuple[str, str | None]]:
    return {(violation.rule, violation.command_id) for violation in check(evidence)}


def with_row(evidence: Evidence, command_id: str, **changes: object) -> Evidence:
    rows = [replace(row, **changes) if row.command_id == command_id else row for row in evidence.rows]
    return replace(evidence, rows=rows)


def row_of(evidence: Evidence, command_id: str) -> Row:
    return next(row for row in evidence.rows if row.command_id == command_id)


def transaction_of(evidence: Evidence, command_id: str) -> Transaction:
    wanted = row_of(evidence, command_id).transaction_id
    return next(transaction for transaction in evidence.transactions if transaction.transaction_id == wanted)


def without_money(evidence: Evidence) -> Evidence:
    """So that a planted transaction is found by the rule that it breaks, not by what it moved."""
    return replace(evidence, money=None)


def test_nothing_is_found_in_a_good_run(good: Evidence) -> None:
    assert check(good) == []


def test_entries_that_are_not_valid_are_no_second_transaction(good: Evidence) -> None:
    again = [
        replace(transaction_of(good, FIRST), code="DUPLICATE_TXID", block_number=50),
        replace(transaction_of(good, FIRST), code="MVCC_READ_CONFLICT", block_number=51, transaction_id="other"),
    ]
    assert check(replace(good, transactions=[*good.transactions, *again])) == []


def test_a_second_valid_transaction_is_found(good: Evidence) -> None:
    second = replace(transaction_of(good, FIRST), transaction_id="tx-second", block_number=50)
    spoiled = replace(good, transactions=[*good.transactions, second])
    assert ("COMMITTED is exactly one VALID transaction", FIRST) in found(spoiled)
    assert ("money is conserved", None) in found(spoiled)


def test_the_same_transaction_twice_is_found(good: Evidence) -> None:
    spoiled = replace(good, transactions=[*good.transactions, transaction_of(good, FIRST)])
    assert ("COMMITTED is exactly one VALID transaction", FIRST) in found(spoiled)


def test_a_committed_row_without_its_transaction_is_found(good: Evidence) -> None:
    left = [t for t in good.transactions if t != transaction_of(good, FIRST)]
    assert found(without_money(replace(good, transactions=left))) == {
        ("COMMITTED is exactly one VALID transaction", FIRST)
    }


def test_a_row_that_names_another_block_is_found(good: Evidence) -> None:
    assert found(with_row(good, FIRST, block_number=99)) == {("the row names the block", FIRST)}


def test_a_lost_row_is_found(good: Evidence) -> None:
    left = [row for row in good.rows if row.command_id != REFUSED]
    assert found(replace(good, rows=left)) == {("no row is lost", REFUSED)}


def test_a_lost_row_leaves_a_transaction_of_nobody(good: Evidence) -> None:
    left = [row for row in good.rows if row.command_id != FIRST]
    assert found(replace(good, rows=left)) == {("no row is lost", FIRST), ("a transaction has a command", None)}


@pytest.mark.parametrize("status", ["PENDING", "SUBMITTED", "LOCKED"])
def test_a_row_that_is_not_final_is_found(good: Evidence, status: str) -> None:
    assert ("every row is final", REFUSED) in found(with_row(good, REFUSED, status=status))


def test_swapped_order_within_a_key_is_found(good: Evidence) -> None:
    first, second = transaction_of(good, FIRST), transaction_of(good, SECOND)
    swapped = {
        first.transaction_id: replace(first, block_number=second.block_number),
        second.transaction_id: replace(second, block_number=first.block_number),
    }
    spoiled = replace(good, transactions=[swapped.get(t.transaction_id, t) for t in good.transactions])
    spoiled = with_row(spoiled, FIRST, block_number=second.block_number)
    spoiled = with_row(spoiled, SECOND, block_number=first.block_number)
    assert found(spoiled) == {("order of the key", FIRST)}


def test_another_order_of_other_keys_is_no_violation() -> None:
    good = built.good(built.transfer(10), built.transfer(11, payer=built.BOB, payee=built.ALICE))
    first, second = transaction_of(good, FIRST), transaction_of(good, SECOND)
    moved = {first.transaction_id: replace(first, block_number=60)}
    spoiled = replace(good, transactions=[moved.get(t.transaction_id, t) for t in good.transactions])
    assert second.block_number < 60
    assert found(without_money(with_row(spoiled, FIRST, block_number=60))) == set()


def test_swapped_order_within_a_block_is_found(good: Evidence) -> None:
    first, second = transaction_of(good, FIRST), transaction_of(good, SECOND)
    swapped = {first.transaction_id: replace(first, block_number=second.block_number, position=1)}
    spoiled = replace(good, transactions=[swapped.get(t.transaction_id, t) for t in good.transactions])
    assert found(with_row(spoiled, FIRST, block_number=second.block_number)) == {("order of the key", FIRST)}


@pytest.mark.parametrize("status", ["PENDING", "SUBMITTED", "FAILED", "COMMITTED"])
def test_a_final_row_that_was_written_again_is_found(good: Evidence, status: str) -> None:
    again = [
        built.change(100, FIRST, "COMMITTED", status),
        built.change(101, FIRST, status, "COMMITTED"),
    ]
    spoiled = replace(good, changes=[*good.changes, *again])
    assert found(spoiled) == {("the status never goes back", FIRST)}


def test_a_status_that_went_back_is_found(good: Evidence) -> None:
    steps = [(None, "PENDING"), ("PENDING", "SUBMITTED"), ("SUBMITTED", "PENDING"), ("PENDING", "COMMITTED")]
    others = [change for change in good.changes if change.command_id != FIRST]
    wrong = [built.change(100 + n, FIRST, before, after) for n, (before, after) in enumerate(steps)]
    assert found(replace(good, changes=[*others, *wrong])) == {("the status never goes back", FIRST)}


def test_a_write_that_nobody_saw_is_found(good: Evidence) -> None:
    unseen = [change for change in good.changes if (change.command_id, change.after) != (FIRST, "COMMITTED")]
    assert found(replace(good, changes=unseen)) == {("the status never goes back", FIRST)}


def test_wrong_arguments_are_found(good: Evidence) -> None:
    right = transaction_of(good, FIRST)
    name, payer, payee, _, *rest = right.arguments
    wrong = replace(right, arguments=(name, payer, payee, "999999", *rest))
    spoiled = replace(good, transactions=[wrong if t == right else t for t in good.transactions])
    assert found(without_money(spoiled)) == {
        ("COMMITTED is exactly one VALID transaction", FIRST),
        ("a transaction has its command's arguments", FIRST),
    }


def test_valid_for_a_failed_row_is_found(good: Evidence) -> None:
    planted = built.transaction(row_of(good, REFUSED), 50)
    spoiled = without_money(replace(good, transactions=[*good.transactions, planted]))
    assert found(spoiled) == {("FAILED is not on the ledger", REFUSED)}


def test_another_signer_is_found(good: Evidence) -> None:
    right = transaction_of(good, FIRST)
    wrong = replace(right, identity="org1-super-admin")
    spoiled = replace(good, transactions=[wrong if t == right else t for t in good.transactions])
    assert found(spoiled) == {("signed by its identity", FIRST)}


def test_an_end_that_must_not_be_is_found(good: Evidence) -> None:
    others = [change for change in good.changes if change.command_id != FIRST]
    steps = [built.change(100, FIRST, None, "PENDING"), built.change(101, FIRST, "PENDING", "FAILED")]
    spoiled = with_row(replace(good, changes=[*others, *steps]), FIRST, status="FAILED")
    assert ("ends as it must", FIRST) in found(spoiled)


def test_commands_without_an_id_in_their_arguments_are_counted() -> None:
    good = built.good(built.unfreeze(10), built.unfreeze(11))
    assert check(good) == []
    second = replace(transaction_of(good, SECOND), transaction_id="tx-third", block_number=50)
    assert found(replace(good, transactions=[*good.transactions, second])) == {
        ("COMMITTED is exactly one VALID transaction", FIRST)
    }
    assert found(with_row(good, SECOND, transaction_id=row_of(good, FIRST).transaction_id)) >= {
        ("COMMITTED is exactly one VALID transaction", FIRST)
    }


@pytest.mark.parametrize("lost", ["minted", "held"])
def test_money_that_was_made_or_lost_is_found(good: Evidence, lost: str) -> None:
    assert good.money is not None
    assert found(replace(good, money=replace(good.money, **{lost: 1}))) == {("money is conserved", None)}


def test_a_wrong_balance_is_found(good: Evidence) -> None:
    assert isinstance(good.money, Money)
    balances = {**good.money.balances, built.BOB: 1}
    assert found(replace(good, money=replace(good.money, balances=balances))) == {("money is conserved", None)}


def test_the_checker_imports_nothing_else_of_the_project() -> None:
    files = list(Path(checking.__file__).parent.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith(("streams", ".")) or name.startswith("streams.chaos.checker."), (file, name)
