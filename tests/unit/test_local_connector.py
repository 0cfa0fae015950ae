from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from streams.errors import StackFailed
from streams.kafka.topics import MAX_MESSAGE_BYTES
from streams.local.connect import Connector, Database
from streams.local.passwords import load_passwords
from streams.local.templates import render, render_json
from streams.postgres.profiles import load_profile

DATABASE = Database(host="127.0.0.1", port=5432, name="outbox", user="debezium", passwords_file=Path("/etc/pw"))


@pytest.mark.parametrize(
    ("profile", "table", "key"),
    [("snake_case", "outbox_commands", "command_type"), ("camel_case", "OutboxCommand", "commandType")],
)
def test_the_connector_captures_the_table_of_the_profile(profile: str, table: str, key: str) -> None:
    config = Connector().config(load_profile(profile), DATABASE, "127.0.0.1:9092")

    assert config["table.include.list"] == f"public.{table},public.cdc_heartbeat"
    assert config["message.key.columns"] == f"public.{table}:{key}"
    assert config["transforms.key.field"] == key
    assert f"snapshot.select.statement.overrides.public.{table}" in config
    assert re.fullmatch(config["predicates.isCommand.pattern"], load_profile(profile).cdc_topic("gx"))


def test_the_connector_is_told_where_its_password_is_and_not_what_it_is() -> None:
    config = Connector().config(load_profile("snake_case"), DATABASE, "127.0.0.1:9092")
    assert config["database.password"] == "${file:/etc/pw:debezium}"


def test_the_topics_take_what_the_connector_may_produce() -> None:
    config = Connector().config(load_profile("snake_case"), DATABASE, "127.0.0.1:9092")
    largest = {config["producer.override.max.request.size"], config["topic.creation.default.max.message.bytes"]}
    assert largest == {str(MAX_MESSAGE_BYTES)}


def test_a_placeholder_without_a_value_is_named(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text('{"key": "@{nothing}"}')
    with pytest.raises(StackFailed, match=r"template.json: no value for the placeholder @\{nothing\}"):
        render_json(template, {})


def test_values_are_put_in_as_they_are(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.write_text('{"@{name}": "a@@b $x ${file:@{name}} @{name}"}')
    assert render(template, {"name": 7}) == '{"7": "a@b $x ${file:7} 7"}'
    assert render_json(template, {"name": '"'}) == {'"': 'a@b $x ${file:"} "'}


def test_passwords_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    file = tmp_path / "passwords.properties"
    first = load_passwords(file, ["a", "b"])

    assert first["a"] != first["b"]
    assert load_passwords(file, ["a", "b"]) == first
    assert load_passwords(file, ["a", "b", "c"]).items() > first.items()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
