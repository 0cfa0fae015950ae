"""Kafka value of a Debezium topic -> ChangeEvent.

The value is a change event in JSON, plain or wrapped as {"schema": ..., "payload": ...}: Debezium documentation,
"PostgreSQL connector", "Data change events". An insert has `op` c, a row that a snapshot read has `op` r.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from streams.errors import MalformedCommand
from streams.messages import ChangeEvent, Command, Origin

_INSERT, _SNAPSHOT_READ = "c", "r"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CaptureRefusal(StrEnum):
    """Error codes of values that are no readable insert into the outbox."""

    TOMBSTONE = "TOMBSTONE"
    NOT_JSON = "NOT_JSON"
    NOT_AN_INSERT = "NOT_AN_INSERT"
    MISSING_COLUMN = "MISSING_COLUMN"
    BAD_COLUMN = "BAD_COLUMN"


def capture(value: bytes | None, *, origin: Origin, columns: Mapping[str, str]) -> ChangeEvent:
    """Kafka value -> ChangeEvent.

    `columns`: the fields of Command, and perhaps `traceparent` -> physical columns. Where the event has no time of its
    own, the row's stands in.
    Raises MalformedCommand with a code of CaptureRefusal. It carries the command id for MISSING_COLUMN and BAD_COLUMN
    where that could be read, and never for NOT_AN_INSERT: an update says nothing about whether its row can be sent.
    """
    envelope = _envelope(value, origin)
    row = _inserted_row(envelope, origin, columns)
    command = _command(row)
    source = envelope.get("source")
    lsn = source.get("lsn") if isinstance(source, dict) else None
    made_at = _whole_number(envelope.get("ts_ms"))
    return ChangeEvent(
        command=command,
        lsn=_whole_number(lsn),
        captured_at=(None if made_at is None else _from_epoch_ms(made_at)) or command.created_at,
        from_snapshot=envelope["op"] == _SNAPSHOT_READ,
        origin=origin,
        traceparent=row.perhaps_text("traceparent"),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """The inserted row, with what is needed to say which column of which command is wrong."""

    values: Mapping[str, Any]
    columns: Mapping[str, str]
    origin: Origin

    def text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            raise self._bad(name, f"holds {'NULL' if value is None else type(value).__name__}, expected text")
        if not _has_utf8_form(value):
            raise self._bad(name, "holds half of a surrogate pair, expected well-formed Unicode")
        return value

    def perhaps_text(self, name: str) -> str | None:
        """Of a column that no command depends on: None if it is not there or holds anything else."""
        value = self.values.get(self.columns.get(name, ""))
        return value if isinstance(value, str) else None

    def time(self, name: str) -> datetime:
        value = self._value(name)
        at = _from_iso(value) if isinstance(value, str) else _from_epoch_ms(_whole_number(value))
        if at is None:
            raise self._bad(name, "expected ISO 8601 with a zone, or epoch milliseconds: make it timestamptz(3)")
        return at

    def _value(self, name: str) -> Any:
        column = self.columns[name]
        if column not in self.values:
            found = ", ".join(map(ascii, self.values)) or "none"
            raise self._refused(
                CaptureRefusal.MISSING_COLUMN,
                f"the row at {self.origin} has no column {column} ({name}), only {found}: "
                "choose the profile that names this table's columns",
            )
        return self.values[column]

    def _bad(self, name: str, problem: str) -> MalformedCommand:
        return self._refused(
            CaptureRefusal.BAD_COLUMN, f"column {self.columns[name]} of the row at {self.origin}: {problem}"
        )

    def _refused(self, code: CaptureRefusal, message: str) -> MalformedCommand:
        command_id = self.values.get(self.columns["id"])
        readable = isinstance(command_id, str) and _has_utf8_form(command_id)
        return MalformedCommand(message, code=code, command_id=command_id if readable else None)


def _envelope(value: bytes | None, origin: Origin) -> dict[str, Any]:
    if value is None:
        raise _tombstone(origin)
    try:
        # Not json.loads(bytes): it guesses the encoding.
        event = json.loads(value.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedCommand(
            f"the value at {origin} is not JSON in UTF-8: the connector needs the JSON converter",
            code=CaptureRefusal.NOT_JSON,
        ) from error
    if isinstance(event, dict) and event.keys() == {"schema", "payload"}:
        event = event["payload"]
        if event is None:
            raise _tombstone(origin)
    if not isinstance(event, dict):
        raise _not_an_insert(origin, "it is no change event")
    return event


def _inserted_row(envelope: Mapping[str, Any], origin: Origin, columns: Mapping[str, str]) -> _Row:
    operation, after = envelope.get("op"), envelope.get("after")
    if operation not in (_INSERT, _SNAPSHOT_READ):
        raise _not_an_insert(origin, f"its op is {operation!a}" if isinstance(operation, str) else "it has no op")
    if not isinstance(after, dict):
        raise _not_an_insert(origin, "it has no row in after")
    return _Row(after, columns, origin)


def _command(row: _Row) -> Command:
    return Command(
        command_id=row.text("id"),
        tenant_id=row.text("tenant_id"),
        service=row.text("service"),
        command_type=row.text("command_type"),
        request_id=row.text("request_id"),
        payload=row.text("payload"),
        created_at=row.time("created_at"),
    )


def _tombstone(origin: Origin) -> MalformedCommand:
    return MalformedCommand(
        f"the record at {origin} is a tombstone: set tombstones.on.delete to false in the connector",
        code=CaptureRefusal.TOMBSTONE,
    )


def _not_an_insert(origin: Origin, problem: str) -> MalformedCommand:
    return MalformedCommand(
        f"the value at {origin} is not an insert ({problem}): the publication must be insert-only",
        code=CaptureRefusal.NOT_AN_INSERT,
    )


def _from_iso(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return None if at.tzinfo is None else _to_milliseconds(at.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _from_epoch_ms(milliseconds: int | None) -> datetime | None:
    try:
        return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _to_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _has_utf8_form(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
