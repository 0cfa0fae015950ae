"""Messages to Kafka values and back: Avro single-object encoding.

A value is `C3 01`, the schema's 64-bit Rabin fingerprint (little endian) and the Avro body: Avro specification,
"Single-object encoding". The schema needs no server: readers know the schemas of `schemas/`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from streams.errors import UnknownSchema, UnreadableMessage
from streams.files import SCHEMAS
from streams.messages import (
    BreakerChange,
    DeadLetter,
    DeadLetterKind,
    Origin,
    Outcome,
    OutcomeKind,
    RoutedCommand,
)
from streams.operators import (
    LaneControl,
    LetterResolution,
    OperatorAction,
    ReplayProgress,
    ReplayState,
    Resolution,
)

MAGIC = b"\xc3\x01"
_HEADER_SIZE = len(MAGIC) + 8

M = TypeVar(
    "M",
    RoutedCommand,
    Outcome,
    DeadLetter,
    BreakerChange,
    OperatorAction,
    LaneControl,
    LetterResolution,
    ReplayProgress,
)


@dataclass(frozen=True, slots=True)
class Codec(Generic[M]):
    """Encodes and decodes one kind of message."""

    name: str
    from_record: Callable[[dict[str, Any]], M]

    def encode(self, message: M) -> bytes:
        """The message as a Kafka value."""
        schema, header = _schema(self.name)
        buffer = io.BytesIO()
        buffer.write(header)
        fastavro.schemaless_writer(buffer, schema, asdict(message))
        return buffer.getvalue()

    def wrote(self, value: bytes | None) -> bool:
        """Whether a Kafka value is one of these, among the messages of a topic that holds several kinds."""
        return value is not None and value[:_HEADER_SIZE] == _schema(self.name)[1]

    def decode(self, value: bytes | None) -> M:
        """The message in a Kafka value.

        Raises UnreadableMessage for what is not ours, UnknownSchema for what another version of us wrote.
        """
        schema, header = _schema(self.name)
        if value is not None and _is_of_another_version(value):
            raise UnknownSchema(f"schema {value[len(MAGIC) : _HEADER_SIZE].hex()} is not one of this version's")
        if value is None or value[:_HEADER_SIZE] != header:
            found = (
                "no value" if value is None else f"a value that starts with {value[:_HEADER_SIZE].hex() or 'nothing'}"
            )
            raise UnreadableMessage(f"expected {self.name} in single-object encoding ({header.hex()}), found {found}")
        try:
            record = fastavro.schemaless_reader(io.BytesIO(value[_HEADER_SIZE:]), schema, None)
            return self.from_record(record)
        except (EOFError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise UnreadableMessage(f"a {self.name} whose body cannot be read: {error!r}") from error


@cache
def _schema(name: str) -> tuple[dict[str, Any], bytes]:
    """(parsed schema, header of a value) of `schemas/<name>.avsc`."""
    named: dict[str, Any] = {}
    fastavro.parse_schema(json.loads((SCHEMAS / "origin.avsc").read_text()), named_schemas=named)
    raw = json.loads((SCHEMAS / f"{name}.avsc").read_text())
    canonical = to_parsing_canonical_form(
        fastavro.schema.expand_schema(fastavro.parse_schema(raw, named_schemas=named))
    )
    rabin = bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
    return fastavro.parse_schema(raw, named_schemas=named), MAGIC + rabin


def _is_of_another_version(value: bytes) -> bool:
    has_header = len(value) >= _HEADER_SIZE and value.startswith(MAGIC)
    return has_header and value[:_HEADER_SIZE] not in _known_headers()


@cache
def _known_headers() -> frozenset[bytes]:
    return frozenset(_schema(name)[1] for name in _NAMES)


def _routed_command(record: dict[str, Any]) -> RoutedCommand:
    return RoutedCommand(
        **{
            **record,
            "arguments": tuple(record["arguments"]),
            "touches": tuple(record["touches"]),
            "captured_from": Origin(**record["captured_from"]),
        }
    )


def _outcome(record: dict[str, Any]) -> Outcome:
    return Outcome(**{**record, "kind": OutcomeKind(record["kind"])})


def _dead_letter(record: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        **{
            **record,
            "kind": DeadLetterKind(record["kind"]),
            "transaction_ids": tuple(record["transaction_ids"]),
            "origin": Origin(**record["origin"]),
        }
    )


def _breaker_change(record: dict[str, Any]) -> BreakerChange:
    return BreakerChange(**record)


def _operator_action(record: dict[str, Any]) -> OperatorAction:
    return OperatorAction(**record)


def _lane_control(record: dict[str, Any]) -> LaneControl:
    return LaneControl(**record)


def _letter_resolution(record: dict[str, Any]) -> LetterResolution:
    resolution, letter = Resolution(record["resolution"]), Origin(**record["letter"])
    return LetterResolution(**{**record, "resolution": resolution, "letter": letter})


def _replay_progress(record: dict[str, Any]) -> ReplayProgress:
    state, gone_ids = ReplayState(record["state"]), tuple(record["gone_ids"])
    return ReplayProgress(**{**record, "state": state, "gone_ids": gone_ids})


ROUTED_COMMANDS = Codec("routed_command", _routed_command)
OUTCOMES = Codec("outcome", _outcome)
DEAD_LETTERS = Codec("dead_letter", _dead_letter)
BREAKERS = Codec("breaker", _breaker_change)
OPERATOR_ACTIONS = Codec("operator_action", _operator_action)
LANE_CONTROLS = Codec("lane_control", _lane_control)
LETTER_RESOLUTIONS = Codec("letter_resolution", _letter_resolution)
REPLAY_PROGRESS = Codec("replay_progress", _replay_progress)

_NAMES = tuple(
    codec.name
    for codec in (
        ROUTED_COMMANDS,
        OUTCOMES,
        DEAD_LETTERS,
        BREAKERS,
        OPERATOR_ACTIONS,
        LANE_CONTROLS,
        LETTER_RESOLUTIONS,
        REPLAY_PROGRESS,
    )
)
"""Of the schemas in use."""
