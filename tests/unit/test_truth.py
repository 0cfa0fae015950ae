"""What the ledger says of a command: every attempt, every identity, every certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from scripted_ledger import ARGUMENTS, BLOCK, COMMAND, id_of

from streams.errors import CommitUnknown
from streams.ledger import VALID, Ledger, LedgerEntry
from streams.messages import RoutedCommand
from streams.operations.truth import Committed, NotKnown, NotThere, Open, Refused, Reused, Truth, answers, truth

MVCC = "MVCC_READ_CONFLICT"


class Chain:
    """Holds codes by transaction id; one of `silent` cannot be asked for. One earlier certificate."""

    def __init__(self, held: Mapping[str, str], *, silent: str = "", arguments: tuple[str, ...] = ARGUMENTS) -> None:
        self.held, self.silent, self.arguments = held, silent, arguments
        self.asked: list[str] = []

    def propose(self, command: RoutedCommand, attempt: int) -> Proposed:
        return Proposed(id_of(attempt, command, 1), (id_of(attempt, command, 0),))

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        self.asked.append(transaction_id)
        if transaction_id == self.silent:
            raise CommitUnknown("nobody answers", code="TIMEOUT", transaction_id=transaction_id)
        code = self.held.get(transaction_id)
        if code is None:
            return None
        return LedgerEntry(
            transaction_id=transaction_id, code=code, block_number=BLOCK, arguments=self.arguments, result=b""
        )


class Proposed:
    def __init__(self, transaction_id: str, earlier_ids: tuple[str, ...]) -> None:
        self.transaction_id, self.earlier_ids = transaction_id, earlier_ids

    async def endorse(self) -> None: ...


def under(attempt: int, certificate: int = 1) -> str:
    return id_of(attempt, COMMAND, certificate)


def told(chain: Chain, attempts: int = 1, command: RoutedCommand = COMMAND) -> Truth:
    gateways: Mapping[str, Ledger] = {COMMAND.identity: chain}  # type: ignore[dict-item]
    return asyncio.run(truth(gateways, command, attempts))


def test_a_commit_is_found_under_any_attempt_and_any_certificate() -> None:
    for attempt in range(3):
        for certificate in range(2):
            found = told(Chain({under(attempt, certificate): VALID}), attempts=3)
            assert isinstance(found, Committed)
            assert found.entry.transaction_id == under(attempt, certificate)


def test_a_commit_is_found_under_another_identity() -> None:
    empty, other = Chain({}), Chain({under(0): VALID})
    gateways: Mapping[str, Ledger] = {"org1-partner-api": other, COMMAND.identity: empty}  # type: ignore[dict-item]
    assert isinstance(asyncio.run(truth(gateways, COMMAND, 1)), Committed)
    assert empty.asked == [under(0, 0), under(0)]


def test_nothing_held_is_not_there() -> None:
    chain = Chain({})
    assert told(chain, attempts=2) == NotThere()
    assert chain.asked == [under(0, 0), under(0), under(1, 0), under(1)]


def test_a_command_never_tried_is_asked_for_all_the_same() -> None:
    assert isinstance(told(Chain({under(0): VALID}), attempts=0), Committed)


def test_attempts_that_nobody_told_of_are_found_behind_a_conflict() -> None:
    held = {under(0): MVCC, under(1): MVCC, under(2): VALID}
    assert isinstance(told(Chain(held), attempts=1), Committed)


def test_behind_conflicts_the_next_attempt_is_open() -> None:
    assert told(Chain({under(0): MVCC, under(1, 0): "PHANTOM_READ_CONFLICT"}), attempts=4) == Open(2)


def test_a_code_that_no_attempt_cures_refuses_the_command() -> None:
    code = "ENDORSEMENT_POLICY_FAILURE"
    assert told(Chain({under(0): MVCC, under(1): code})) == Refused(code)


def test_a_valid_transaction_counts_before_an_invalid_one_of_another_certificate() -> None:
    assert isinstance(told(Chain({under(0, 0): "BAD_PAYLOAD", under(0): VALID})), Committed)
    assert told(Chain({under(0, 0): "BAD_PAYLOAD", under(0): MVCC})) == Refused("BAD_PAYLOAD")


def test_a_mere_repetition_holds_nothing() -> None:
    assert told(Chain({under(0): "DUPLICATE_TXID"})) == NotThere()


def test_other_arguments_are_a_reused_id() -> None:
    assert isinstance(told(Chain({under(0): VALID}, arguments=())), Reused)


def test_an_id_that_cannot_be_asked_for_leaves_all_open_but_a_commit() -> None:
    assert told(Chain({}, silent=under(0, 0))) == NotKnown("nobody answers")
    assert told(Chain({under(0): MVCC}, silent=under(1)), attempts=2) == NotKnown("nobody answers")
    assert isinstance(told(Chain({under(0): VALID}, silent=under(0, 0))), Committed)


def test_every_answer_is_told_with_its_id() -> None:
    gateways: Mapping[str, Ledger] = {COMMAND.identity: Chain({under(0, 0): MVCC})}  # type: ignore[dict-item]
    first, second = asyncio.run(answers(gateways, COMMAND, 0))
    assert (first.transaction_id, second.transaction_id) == (under(0, 0), under(0))
    assert isinstance(first.found, LedgerEntry)
    assert first.found.code == MVCC
    assert second.found is None
