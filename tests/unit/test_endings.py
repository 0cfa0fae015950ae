"""How commands end, and the dead letters that go with it."""

from __future__ import annotations

import pytest
from scripted_ledger import COMMAND

from streams.endings import UNREADABLE, Ending, Source, dead_letter, refused, unreadable
from streams.errors import MalformedCommand, RefusedCommand, UnreadableMessage, UnroutableCommand
from streams.kafka import codecs
from streams.messages import (
    MOST_CHARACTERS,
    ChangeEvent,
    Command,
    DeadLetter,
    DeadLetterKind,
    Origin,
    Outcome,
    OutcomeKind,
)

CREATED_AT, CAPTURED_AT, NOW = COMMAND.created_at, COMMAND.captured_at, COMMAND.routed_at
SOURCE = Source(origin=COMMAND.captured_from, key=b"\x00key", value=b"\xffvalue", worker="w")
CHANGE = ChangeEvent(
    command=Command(
        command_id="c-1",
        tenant_id="default",
        service="wallet",
        command_type="MINT",
        request_id="r-1",
        payload='{"to": "somebody"}',
        created_at=CREATED_AT,
    ),
    lsn=1,
    captured_at=CAPTURED_AT,
    from_snapshot=False,
    origin=Origin(topic="gx.public.outbox_commands", partition=0, offset=7),
)


@pytest.mark.parametrize(
    ("kind", "letter_kind"),
    [(MalformedCommand, DeadLetterKind.MALFORMED), (UnroutableCommand, DeadLetterKind.UNROUTABLE)],
)
def test_a_refused_command_has_a_dead_letter_and_a_failed_row(
    kind: type[RefusedCommand], letter_kind: DeadLetterKind
) -> None:
    letter, outcome = refused(kind("no route", code="NO_ROUTE", command_id="c-1"), CHANGE, SOURCE, NOW)
    assert letter == DeadLetter(
        kind=letter_kind,
        error_code="NO_ROUTE",
        cause="no route",
        command_id="c-1",
        command_type="MINT",
        origin=SOURCE.origin,
        key=b"\x00key",
        value=b"\xffvalue",
        worker="w",
        happened_at=NOW,
    )
    assert outcome == Outcome(
        command_id="c-1",
        command_type="MINT",
        kind=OutcomeKind.FAILED,
        error_code="NO_ROUTE",
        error="no route",
        attempts=0,
        stages={"created": CREATED_AT, "captured": CAPTURED_AT},
        worker="w",
        happened_at=NOW,
    )


def test_a_change_that_cannot_be_read_fails_its_row_when_it_tells_whose_it_is() -> None:
    letter, outcome = refused(MalformedCommand("no type", code="NO_TYPE", command_id="c-9"), None, SOURCE, NOW)
    assert outcome is not None
    assert (letter.command_id, outcome.command_id) == ("c-9", "c-9")
    assert (letter.command_type, outcome.stages) == (None, {})
    assert outcome.kind is OutcomeKind.FAILED


def test_a_change_of_nobody_is_a_dead_letter_without_an_outcome() -> None:
    letter, outcome = refused(MalformedCommand("not JSON", code="NOT_JSON"), None, SOURCE, NOW)
    assert (letter.kind, letter.command_id, letter.value) == (DeadLetterKind.MALFORMED, None, b"\xffvalue")
    assert outcome is None


def test_a_foreign_record_is_preserved_with_its_origin() -> None:
    letter = unreadable(UnreadableMessage("not ours"), SOURCE, NOW)
    assert (letter.kind, letter.error_code, letter.cause) == (DeadLetterKind.MALFORMED, UNREADABLE, "not ours")
    assert (letter.origin, letter.key, letter.value) == (SOURCE.origin, SOURCE.key, SOURCE.value)
    assert letter.command_id is None


def test_a_commit_has_no_dead_letter() -> None:
    outcome = Outcome(
        command_id="c-1", command_type="MINT", kind=OutcomeKind.COMMITTED, attempts=1, worker="w", happened_at=NOW
    )
    assert dead_letter(Ending(outcome=outcome, dead_letter_kind=None), SOURCE) is None


@pytest.mark.parametrize("kind", [DeadLetterKind.REFUSED, DeadLetterKind.INVALID, DeadLetterKind.UNKNOWN])
def test_a_dead_letter_has_the_cause_the_record_and_every_transaction_id(kind: DeadLetterKind) -> None:
    outcome = Outcome(
        command_id="c-1",
        command_type="MINT",
        kind=OutcomeKind.FAILED,
        identity="org1-admin",
        transaction_id="t-1",
        error_code="CODE",
        error="why",
        attempts=2,
        worker="the worker that carried it",
        happened_at=NOW,
    )
    ending = Ending(outcome=outcome, dead_letter_kind=kind, transaction_ids=("t-0", "t-1"), first_at=CREATED_AT)
    assert dead_letter(ending, SOURCE) == DeadLetter(
        kind=kind,
        error_code="CODE",
        cause="why",
        command_id="c-1",
        command_type="MINT",
        identity="org1-admin",
        attempts=2,
        first_at=CREATED_AT,
        transaction_ids=("t-0", "t-1"),
        origin=SOURCE.origin,
        key=b"\x00key",
        value=b"\xffvalue",
        worker="w",
        happened_at=NOW,
    )


@pytest.mark.parametrize("length", [MOST_CHARACTERS, MOST_CHARACTERS + 1, 1_000_000])
def test_an_error_as_long_as_a_payload_is_cut_off_and_says_so(length: int) -> None:
    error = MalformedCommand("é" * length, code="NOT_JSON", command_id="c-1")
    letter, outcome = refused(error, CHANGE, SOURCE, NOW)
    assert outcome is not None
    assert letter.cause == outcome.error
    assert len(letter.cause) <= MOST_CHARACTERS
    assert letter.cause.endswith("é" if length <= MOST_CHARACTERS else f"é… ({length} characters)")
    assert codecs.DEAD_LETTERS.decode(codecs.DEAD_LETTERS.encode(letter)) == letter
