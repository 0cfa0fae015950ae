"""A Debezium value becomes a ChangeEvent, or a refusal that says what is wrong with it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import MalformedCommand
from streams.messages import ChangeEvent, Command, Origin
from streams.stages.capture import CaptureRefusal, capture

ORIGIN = Origin(topic="gx.public.outbox_commands", partition=0, offset=41)
NAMES = ("id", "tenant_id", "service", "command_type", "request_id", "payload", "created_at")
SNAKE_CASE = {name: name for name in NAMES}
CAMEL_CASE = {
    **SNAKE_CASE,
    "tenant_id": "tenantId",
    "command_type": "commandType",
    "request_id": "requestId",
    "created_at": "createdAt",
}
CREATED_AT = datetime(2025, 12, 1, 4, 0, 0, 123000, tzinfo=UTC)
CAPTURED_AT = datetime(2025, 12, 1, 4, 0, 0, 161000, tzinfo=UTC)
ROW = {
    "id": "cmd-1",
    "tenant_id": "default",
    "service": "svc-admin",
    "command_type": "PAUSE_SYSTEM",
    "request_id": "pause-1",
    "payload": '{"reason": "é"}',
    "status": "PENDING",
    "attempts": 0,
    "created_at": "2025-12-01T04:00:00.123Z",
}


def change(**changes: Any) -> dict[str, Any]:
    """A change event as Debezium 3.6 writes it with the JSON converter and without schemas."""
    event: dict[str, Any] = {
        "before": None,
        "after": dict(ROW),
        "source": {
            "connector": "postgresql",
            "snapshot": "false",
            "lsn": 27000616,
            "txId": 771,
            "ts_ms": 1764561600150,
        },
        "transaction": None,
        "op": "c",
        "ts_ms": 1764561600161,
    }
    return {**event, **changes}


def row(**changes: Any) -> dict[str, Any]:
    return change(after={**ROW, **changes})


def captured(event: object, columns: dict[str, str] = SNAKE_CASE) -> ChangeEvent:
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    return capture(value, origin=ORIGIN, columns=columns)


def refusal(event: object) -> MalformedCommand:
    with pytest.raises(MalformedCommand) as raised:
        captured(event)
    return raised.value


def test_an_insert_becomes_a_change_event() -> None:
    assert captured(change()) == ChangeEvent(
        command=Command(
            command_id="cmd-1",
            tenant_id="default",
            service="svc-admin",
            command_type="PAUSE_SYSTEM",
            request_id="pause-1",
            payload='{"reason": "é"}',
            created_at=CREATED_AT,
        ),
        lsn=27000616,
        captured_at=CAPTURED_AT,
        from_snapshot=False,
        origin=ORIGIN,
    )


def test_a_row_read_by_a_snapshot_is_marked_so() -> None:
    assert captured(change(op="r")) == dataclasses.replace(captured(change()), from_snapshot=True)


def test_an_event_wrapped_with_its_schema_is_the_same_event() -> None:
    assert captured({"schema": {"type": "struct"}, "payload": change()}) == captured(change())


def test_columns_are_found_under_their_physical_names() -> None:
    physical = {CAMEL_CASE.get(name, name): value for name, value in ROW.items()}
    assert captured(change(after=physical), CAMEL_CASE) == captured(change())


@pytest.mark.parametrize(
    "payload",
    ['{"b": 1,  "a": 7e-8}', "null", "[1]", '"text"', "not JSON", "", '"\\ud800"'],
)
def test_the_payload_is_kept_as_text_whatever_it_is(payload: str) -> None:
    assert captured(row(payload=payload)).command.payload == payload


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-12-01T04:00:00.123Z", CREATED_AT),
        ("2025-12-01T04:00:00.123987Z", CREATED_AT),
        ("2025-12-01T12:00:00.123+08:00", CREATED_AT),
        ("2025-12-01T04:00:00Z", CREATED_AT.replace(microsecond=0)),
        ("2025-12-01T04:00:00.1Z", CREATED_AT.replace(microsecond=100_000)),
        (1764561600123, CREATED_AT),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_the_time_of_the_row_is_read_from_iso_text_and_epoch_milliseconds(
    written: str | int, expected: datetime
) -> None:
    found = captured(row(created_at=written)).command.created_at
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize("made_at", [None, "2025", True, 10**30])
def test_the_time_of_the_row_stands_in_for_a_missing_time_of_the_event(made_at: object) -> None:
    assert captured(change(ts_ms=made_at)).captured_at == CREATED_AT


@pytest.mark.parametrize("source", [None, {}, {"lsn": None}, {"lsn": "0/19BF"}, "x"])
def test_the_position_in_the_log_may_be_unknown(source: object) -> None:
    assert captured(change(source=source)).lsn is None


@pytest.mark.parametrize("value", [None, b'{"schema": null, "payload": null}'])
def test_a_tombstone_is_refused(value: bytes | None) -> None:
    with pytest.raises(
        MalformedCommand, match=r"record at gx\.public\.outbox_commands\[0\]@41 is a tombstone"
    ) as raised:
        capture(value, origin=ORIGIN, columns=SNAKE_CASE)
    assert (raised.value.code, raised.value.command_id) == (CaptureRefusal.TOMBSTONE, None)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"Struct{after=...}",
        b'{"op": "\xff"}',
        "{}".encode("utf-16"),
        pytest.param(b"[" * 100_000, id="nested too deeply"),
        b"\x00\x00\x00\x00\x01",
    ],
)
def test_a_value_that_is_not_json_in_utf8_is_refused(value: bytes) -> None:
    error = refusal(value)
    assert (error.code, error.command_id) == ("NOT_JSON", None)
    assert "gx.public.outbox_commands[0]@41" in str(error)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (change(op="u", before=ROW), "its op is 'u'"),
        (change(op="d", before=ROW, after=None), "its op is 'd'"),
        (change(op="t", after=None), "its op is 't'"),
        (change(op=None), "it has no op"),
        (change(op=["c"]), "it has no op"),
        (change(after=None), "it has no row in after"),
        (change(after="row"), "it has no row in after"),
        ([], "it is no change event"),
        (None, "it is no change event"),
        ({"schema": None, "payload": 5}, "it is no change event"),
    ],
)
def test_anything_but_an_insert_is_refused_and_blames_no_command(event: object, problem: str) -> None:
    error = refusal(event)
    assert error.code == "NOT_AN_INSERT"
    assert problem in str(error)
    # With the id of an updated row, that row would be marked FAILED while its command may be on its way.
    assert error.command_id is None


@pytest.mark.parametrize("name", SNAKE_CASE)
def test_a_missing_column_is_refused_by_both_its_names(name: str) -> None:
    after = {CAMEL_CASE.get(column, column): value for column, value in ROW.items()}
    del after[CAMEL_CASE[name]]
    with pytest.raises(MalformedCommand) as raised:
        captured(change(after=after), CAMEL_CASE)
    assert raised.value.code == "MISSING_COLUMN"
    assert f"has no column {CAMEL_CASE[name]} ({name}), only " in str(raised.value)
    assert "status" in str(raised.value)
    assert raised.value.command_id == (None if name == "id" else "cmd-1")


@pytest.mark.parametrize("name", ["id", "tenant_id", "service", "command_type", "request_id", "payload"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [(None, "holds NULL"), (5, "holds int"), ({"a": 1}, "holds dict"), ("\ud800", "holds half of a surrogate")],
)
def test_a_column_that_is_not_text_is_refused_and_its_value_is_not_told(name: str, value: object, problem: str) -> None:
    error = refusal(row(**{name: value}))
    assert error.code == "BAD_COLUMN"
    assert f"column {name} of the row at gx.public.outbox_commands[0]@41: {problem}" in str(error)
    assert error.command_id == (None if name == "id" else "cmd-1")


@pytest.mark.parametrize(
    "value",
    [None, True, 1.5, "", "yesterday", "2025-12-01T04:00:00", "+292278994-08-17T07:12:55.807Z", 1764561600123000, {}],
)
def test_a_time_that_cannot_be_read_is_refused(value: object) -> None:
    error = refusal(row(created_at=value))
    assert (error.code, error.command_id) == ("BAD_COLUMN", "cmd-1")
    assert "column created_at of" in str(error)
    assert "timestamptz(3)" in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(st.sampled_from(sorted({*change(), *ROW})), json_values)
def test_any_damage_to_an_event_is_captured_or_refused_and_never_a_bug(name: str, value: object) -> None:
    with contextlib.suppress(MalformedCommand):
        captured(row(**{name: value}) if name in ROW else change(**{name: value}))


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_refused_and_never_a_bug(value: bytes) -> None:
    with pytest.raises(MalformedCommand):
        captured(value)
