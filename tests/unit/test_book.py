"""A command that has ended FAILED stays so when it is delivered again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from streams.workers.failed_before import FailedBefore
from test_codecs import routed

from streams.kafka import codecs
from streams.messages import DeadLetter, DeadLetterKind, Origin, OutcomeKind

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
    outcome = FailedBefore("org1-admin", [replace(LETTER, kind=kind)]).outcome(routed())
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
    assert FailedBefore("org1-admin", [replace(LETTER, kind=kind)]).outcome(routed()) is None


def test_another_command_or_revision_is_not_concerned() -> None:
    failed = FailedBefore("org1-admin", [LETTER])
    assert failed.outcome(routed(command_id="c-2")) is None
    assert failed.outcome(routed(revision=1)) is None


def test_a_letter_of_the_route_worker_concerns_the_payload_that_the_service_wrote() -> None:
    failed = FailedBefore("org1-admin", [replace(LETTER, value=b'{"op": "c"}')])
    assert failed.outcome(routed()) is not None
    assert failed.outcome(routed(revision=1)) is None


def test_a_failure_under_another_identity_is_not_concerned() -> None:
    assert FailedBefore("org1-partner-api", [LETTER]).outcome(routed()) is None
