from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.errors import SettingsInvalid
from streams.files import SCHEMAS
from streams.postgres.profiles import LOGICAL_COLUMNS, OPTIONAL_COLUMNS, PROFILES, load_profile

SHIPPED = ["snake_case", "camel_case"]


def test_a_shipped_profile_is_loaded_by_name() -> None:
    profile = load_profile("camel_case")
    assert profile.table == "OutboxCommand"
    assert profile.columns["command_type"] == "commandType"
    assert (profile.command_type, profile.status_type) == ("CommandType", "OutboxStatus")


def test_the_topic_of_changes_is_named_as_debezium_names_it() -> None:
    assert load_profile("snake_case").cdc_topic("gx") == "gx.public.outbox_commands"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_names_what_its_table_has(name: str) -> None:
    profile = load_profile(name)
    ddl = (SCHEMAS / f"{name}.sql").read_text().replace('"', "")
    table = re.search(rf"CREATE TABLE {profile.table} \((.*?)\n\);", ddl, re.DOTALL)
    assert table is not None
    columns = [line.split()[0] for line in table[1].splitlines() if line.strip()][:-1]
    assert columns == [profile.columns[column] for column in (*LOGICAL_COLUMNS, *OPTIONAL_COLUMNS)]
    assert f"CREATE TYPE {profile.status_type} AS ENUM" in ddl


@pytest.mark.parametrize("name", SHIPPED)
def test_a_table_knows_27_command_types(name: str) -> None:
    ddl = (SCHEMAS / f"{name}.sql").read_text().replace('"', "")
    labels = re.search(rf"CREATE TYPE {load_profile(name).command_type} AS ENUM \((.*?)\)", ddl, re.DOTALL)
    assert labels is not None
    assert len(set(re.findall(r"'(\w+)'", labels[1]))) == 27


def test_a_profile_is_loaded_by_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((PROFILES / "snake_case.toml").read_text().replace('"outbox_commands"', '"commands"'))
    profile = load_profile(str(file))
    assert (profile.name, profile.table) == ("mine", "commands")


def test_a_profile_need_not_name_the_column_of_the_trace_context(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((PROFILES / "snake_case.toml").read_text().replace('traceparent = "traceparent"', ""))
    assert set(load_profile(str(file)).columns) == set(LOGICAL_COLUMNS)


def test_an_unknown_profile_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsInvalid, match="'kebab_case': neither one of camel_case, snake_case nor a file"):
        load_profile("kebab_case")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('attempts = "attempts"\n', "", "columns.attempts is missing"),
        ('attempts = "attempts"', 'attempts = "a"\nextra = "b"', "columns.extra is not known"),
        ('table = "outbox_commands"', 'table = "outbox commands"', "table must be letters, digits and _"),
        ('schema = "public"', "schema = 5", "schema must be letters, digits and _"),
        ("[types]", "[kinds]", "types.status is missing; kinds is not known|kinds is not known"),
        ('schema = "public"', "schema = ", "mine.toml: Invalid value"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    shipped = (PROFILES / "snake_case.toml").read_text()
    assert before in shipped
    file = tmp_path / "mine.toml"
    file.write_text(shipped.replace(before, after, 1))

    with pytest.raises(SettingsInvalid, match=complaint):
        load_profile(str(file))
