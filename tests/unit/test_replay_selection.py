"""The flags of a replay, as texts and as filters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from streams.errors import SettingsInvalid
from streams.operations.replay.selection import (
    Selection,
    parse_duration,
    parse_lsn,
    parse_share,
    parse_start,
    parse_time,
    parse_topics,
)


def test_topics_are_named_with_or_without_partitions() -> None:
    assert parse_topics(["a", "b:0, 2"]) == {"a": frozenset(), "b": frozenset({0, 2})}


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_time("2026-09-01T12:30:00.5", "--to-datetime") == datetime(2026, 9, 1, 12, 30, 0, 500_000, UTC)
    east = timezone(timedelta(hours=8))
    assert parse_time("2026-09-01T12:30:00+08:00", "--to-datetime") == datetime(2026, 9, 1, 12, 30, tzinfo=east)


def test_durations_are_iso_8601() -> None:
    assert parse_duration("P1DT2H3M4.5S", "f") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
    assert parse_duration("PT90M", "f") == timedelta(minutes=90)


def test_a_position_of_the_log_is_read_as_postgres_or_debezium_writes_it() -> None:
    assert parse_lsn("1/10") == 2**32 + 16
    assert parse_lsn("4294967312") == 2**32 + 16


def test_a_share_is_a_percentage_or_a_fraction() -> None:
    assert parse_share("20%") == parse_share("0.2") == 0.2


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (lambda text: parse_topics([text]), "a:x"),
        (lambda text: parse_topics([text]), ":1"),
        (lambda text: parse_time(text, "--to-datetime"), "yesterday"),
        (lambda text: parse_duration(text, "--by-duration"), "P"),
        (lambda text: parse_duration(text, "--by-duration"), "2h"),
        (parse_lsn, "x/y"),
        (parse_share, "0%"),
        (parse_share, "120%"),
        (parse_share, "some"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_text(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        parse(text)
    assert text in str(refused.value)


def test_two_starts_exclude_each_other() -> None:
    assert parse_start(None, None) is None
    with pytest.raises(SettingsInvalid, match="exclude each other"):
        parse_start("2026-09-01", "PT1H")


def test_a_command_must_match_everything_that_is_named() -> None:
    selection = Selection(types=frozenset({"MINT"}), tenants=frozenset({"a", "b"}))
    given = {"command_id": "c-1", "command_type": "MINT", "tenant_id": "a", "identity": "org1-admin"}
    assert selection.takes(**given)
    assert not selection.takes(**{**given, "tenant_id": "c"})
    assert not Selection(identities=frozenset({"other"})).takes(**given)
    assert Selection(command_ids=frozenset({"c-1"})).takes(**given)
