"""A command that has ended FAILED stays so when it is delivered again; one that is parked holds its key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from test_codecs import routed

from streams.kafka import codecs
from streams.messages import DeadLetter, DeadLetterKind, Origin, OutcomeKind
from streams.workers.book import Book, Parked

LETTER = DeadLetter(
    kind=DeadLetterKind.REFUSED,
    error_code="CHAINCODE_REFUSED",
    cause="insufficient funds",
    command_id="c-1",
    command_type="TRANSFER_TOKENS",
    identity="org1-admin",
    transaction_ids=("ab" * 32, "cd" * 32),
    origin=Origin(topic="commands.org1-admin", partition=0, offset=3),
    key=b"a",
    value=codecs.ROUTED_COMMANDS.encode(routed()),
    worker="w",
    happened_at=datetime(2026, 1, 2, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "kind", [DeadLetterKind.REFUSED, DeadLetterKind.INVALID, DeadLetterKind.MALFORMED, DeadLetterKind.UNROUTABLE]
)
def test_a_failed_command_keeps_its_end(kind: DeadLetterKind) -> None:
    outcome = Book("org1-admin", [replace(LETTER, kind=kind)]).outcome(routed())
    assert outcome is not None
    assert (outcome.kind, outcome.error_code, outcome.error) == (
        OutcomeKind.FAILED,
        "CHAINCODE_REFUSED",
        "insufficient funds",
    )
    assert outcome.attempts == 2
    assert outcome.transaction_id == ("cd" * 32 if kind is DeadLetterKind.INVALID else None)


@pytest.mark.parametrize("kind", [DeadLetterKind.UNKNOWN, DeadLetterKind.BUG])
def test_a_parked_command_may_be_tried_again(kind: DeadLetterKind) -> None:
    book = Book("org1-admin", [replace(LETTER, kind=kind)])
    assert book.outcome(routed()) is None
    assert book.ahead_of(routed()) is None


def test_another_command_or_revision_is_not_concerned() -> None:
    failed = Book("org1-admin", [LETTER])
    assert failed.outcome(routed(command_id="c-2")) is None
    assert failed.outcome(routed(revision=1)) is None


def test_a_letter_of_the_route_worker_concerns_the_payload_that_the_service_wrote() -> None:
    failed = Book("org1-admin", [replace(LETTER, value=b'{"op": "c"}')])
    assert failed.outcome(routed()) is not None
    assert failed.outcome(routed(revision=1)) is None


def test_a_failure_under_another_identity_is_not_concerned() -> None:
    assert Book("org1-partner-api", [LETTER]).outcome(routed()) is None


def parked(command_id: str, kind: DeadLetterKind = DeadLetterKind.UNKNOWN, key: str = "a") -> DeadLetter:
    value = codecs.ROUTED_COMMANDS.encode(routed(command_id=command_id, ordering_key=key))
    return replace(LETTER, kind=kind, command_id=command_id, value=value)


def ahead(book: Book, command_id: str, key: str = "a") -> str | None:
    found = book.ahead_of(routed(command_id=command_id, ordering_key=key))
    return found.command.command_id if found else None


@pytest.mark.parametrize("kind", [DeadLetterKind.UNKNOWN, DeadLetterKind.BUG])
def test_a_parked_command_is_ahead_of_all_others_of_its_key(kind: DeadLetterKind) -> None:
    book = Book("org1-admin", [parked("c-1", kind)])
    assert book.ahead_of(routed(command_id="c-2")) == Parked(routed(command_id="c-1"), LETTER.transaction_ids)
    assert ahead(book, "c-2", key="b") is None


def test_of_several_parked_commands_the_first_is_ahead_of_the_others() -> None:
    book = Book("org1-admin", [parked("c-1"), parked("c-2"), parked("c-3")])
    assert [ahead(book, f"c-{number}") for number in (1, 2, 3, 4)] == [None, "c-1", "c-1", "c-1"]
    book.settle("c-1")
    assert [ahead(book, f"c-{number}") for number in (2, 3, 4)] == [None, "c-2", "c-2"]
    book.settle("c-2")
    book.settle("c-3")
    assert ahead(book, "c-4") is None


def test_a_command_that_is_parked_again_keeps_its_place() -> None:
    book = Book("org1-admin", [parked("c-1"), parked("c-2"), parked("c-1")])
    assert ahead(book, "c-2") == "c-1"


def test_a_parked_command_that_has_failed_since_holds_nobody() -> None:
    book = Book("org1-admin", [parked("c-1"), LETTER])
    assert ahead(book, "c-2") is None
    assert book.outcome(routed()) is not None


def test_a_letter_without_a_command_of_ours_holds_nobody() -> None:
    letter = replace(parked("c-1", DeadLetterKind.BUG), value=b"an outcome that the database refused")
    assert not Book("org1-admin", [letter]).is_parked(routed(command_id="c-1"))


def test_a_command_that_another_identity_has_parked_holds_nobody() -> None:
    assert ahead(Book("org1-partner-api", [parked("c-1")]), "c-2") is None


def test_settling_what_is_not_parked_changes_nothing() -> None:
    book = Book("org1-admin", [parked("c-1")])
    book.settle("c-7")
    assert book.is_parked(routed(command_id="c-1"))


def test_a_revision_that_replaces_a_parked_one_is_not_parked() -> None:
    book = Book("org1-admin", [parked("c-1")])
    assert not book.is_parked(routed(command_id="c-1", revision=1))
    assert ahead(book, "c-1") is None


def failed(number: int) -> DeadLetter:
    value = codecs.ROUTED_COMMANDS.encode(routed(command_id=f"c-{number}"))
    return replace(LETTER, command_id=f"c-{number}", value=value, origin=replace(LETTER.origin, offset=number))


def test_of_many_failed_commands_the_newest_are_kept_and_those_that_will_come_again() -> None:
    book = Book("org1-admin", will_come_again=lambda origin: origin.offset in (3, 4), most_ends=5)
    for number in range(100):
        book.note(failed(number))
    assert not book.is_complete
    kept = [number for number in range(100) if book.outcome(routed(command_id=f"c-{number}"))]
    assert {3, 4} <= set(kept)
    assert kept[-3:] == [97, 98, 99]
    assert len(kept) <= 5 + 1


def test_a_book_that_has_room_forgets_nothing() -> None:
    book = Book("org1-admin", map(failed, range(5)), most_ends=5)
    assert book.is_complete
    assert all(book.outcome(routed(command_id=f"c-{number}")) for number in range(5))


def test_a_command_whose_edited_payload_has_another_key_leaves_the_key_it_had() -> None:
    edited = replace(LETTER, kind=DeadLetterKind.UNKNOWN)
    edited = replace(edited, value=codecs.ROUTED_COMMANDS.encode(routed(ordering_key="b", revision=1)))
    book = Book("org1-admin", [parked("c-1"), edited])
    assert ahead(book, "c-2") is None
    assert ahead(book, "c-2", key="b") == "c-1"
    book.settle("c-1")
    assert ahead(book, "c-2", key="b") is None


def test_what_failed_and_may_be_on_the_ledger_since_a_redrive_has_not_failed() -> None:
    redriven = replace(LETTER, kind=DeadLetterKind.UNKNOWN, value=codecs.ROUTED_COMMANDS.encode(routed()))
    assert Book("org1-admin", [LETTER, redriven]).outcome(routed()) is None


def test_what_failed_and_was_held_back_when_it_was_redriven_has_failed() -> None:
    held_back = replace(LETTER, kind=DeadLetterKind.UNKNOWN, transaction_ids=())
    assert Book("org1-admin", [LETTER, held_back]).outcome(routed()) is not None
