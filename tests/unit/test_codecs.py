"""What is encoded is what is decoded, and a foreign value is refused by name."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from fastavro.schema import fingerprint
from hypothesis import given
from hypothesis import strategies as st

from streams.breaker import BreakerState
from streams.errors import UnknownSchema, UnreadableMessage
from streams.kafka.codecs import BREAKERS, DEAD_LETTERS, OUTCOMES, ROUTED_COMMANDS
from streams.messages import BreakerChange, DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
ORIGIN = Origin(topic="gx.public.outbox_commands", partition=0, offset=7)


def routed(**changes: object) -> RoutedCommand:
    fields: dict[str, object] = {
        "command_id": "c-1",
        "tenant_id": "default",
        "command_type": "TRANSFER_TOKENS",
        "request_id": "transfer-1",
        "identity": "org1-admin",
        "contract": "TokenomicsContract",
        "function": "TransferWithFees",
        "arguments": ("a", "b", "5", "", "Rent", ""),
        "ordering_key": "a",
        "created_at": AT,
        "captured_at": AT,
        "routed_at": AT,
        "captured_from": ORIGIN,
    }
    return RoutedCommand(**{**fields, **changes})  # type: ignore[arg-type]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]))), st.integers(0, 2**31 - 1))
def test_a_routed_command_survives_the_round_trip(arguments: list[str], revision: int) -> None:
    command = routed(arguments=tuple(arguments), revision=revision)
    assert ROUTED_COMMANDS.decode(ROUTED_COMMANDS.encode(command)) == command


@pytest.mark.parametrize("kind", OutcomeKind)
def test_an_outcome_survives_the_round_trip(kind: OutcomeKind) -> None:
    outcome = Outcome(
        command_id="c-1",
        command_type="MINT",
        kind=kind,
        identity="org1-admin",
        transaction_id="ab" * 32,
        block_number=2**40,
        error_code="CHAINCODE_REFUSED",
        error="insufficient funds",
        attempts=3,
        stages={"created": AT, "committed": AT},
        worker="w",
        happened_at=AT,
    )
    assert OUTCOMES.decode(OUTCOMES.encode(outcome)) == outcome


def test_a_dead_letter_keeps_the_original_bytes_untouched() -> None:
    letter = DeadLetter(
        kind=DeadLetterKind.MALFORMED,
        error_code="NOT_JSON",
        cause="not JSON",
        origin=ORIGIN,
        key=None,
        value=bytes(range(256)),
        worker="w",
        happened_at=AT,
    )
    assert DEAD_LETTERS.decode(DEAD_LETTERS.encode(letter)) == letter


@pytest.mark.parametrize("state", BreakerState)
def test_every_state_of_a_breaker_survives_the_round_trip(state: BreakerState) -> None:
    change = BreakerChange(identity="org1-admin", worker="w", state=state, cause="TLS: refused", happened_at=AT)
    assert BREAKERS.decode(BREAKERS.encode(change)) == change


@pytest.mark.parametrize("value", [None, b"", b"\xc3\x01", b'{"json": true}', OUTCOMES.encode.__doc__.encode()])  # type: ignore[union-attr]
def test_a_foreign_value_is_refused_with_what_was_expected_and_found(value: bytes | None) -> None:
    with pytest.raises(UnreadableMessage, match="expected routed_command"):
        ROUTED_COMMANDS.decode(value)


@given(st.integers(min_value=10, max_value=40))
def test_a_cut_off_value_is_refused(size: int) -> None:
    with pytest.raises(UnreadableMessage, match="cannot be read"):
        ROUTED_COMMANDS.decode(ROUTED_COMMANDS.encode(routed())[:size])


@given(st.binary())
def test_any_bytes_behind_a_right_header_decode_or_are_refused(body: bytes) -> None:
    header = OUTCOMES.encode(
        Outcome(command_id="c", command_type="t", kind=OutcomeKind.FAILED, worker="w", happened_at=AT)
    )[:10]
    with contextlib.suppress(UnreadableMessage):
        OUTCOMES.decode(header + body)


def test_a_message_of_another_version_is_told_apart_from_what_is_not_ours() -> None:
    with pytest.raises(UnknownSchema, match="schema 0102030405060708"):
        ROUTED_COMMANDS.decode(b"\xc3\x01" + bytes(range(1, 9)) + b"body")


def test_the_fingerprint_is_the_little_endian_rabin_fingerprint_of_the_canonical_form() -> None:
    # Avro specification, "Parsing Canonical Form", its example table: 64-bit Rabin of "int" is 7275d51a3f395c8f.
    assert fingerprint('"int"', "CRC-64-AVRO") == bytes.fromhex("7275d51a3f395c8f")[::-1].hex()
    assert ROUTED_COMMANDS.encode(routed())[:2] == b"\xc3\x01"
