"""The outbox contract on a real Postgres, under both profiles; and both keepers agree on any history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outbox_contract import UPDATES, OutboxContract, inserted, shown
from psycopg import sql
from write_back_contract import WriteBackContract

from streams.local.outbox import create_outbox
from streams.local.passwords import load_passwords
from streams.local.paths import LocalPaths
from streams.local.ports import choose_ports
from streams.local.postgres import OWNER, ROLES, Postgres
from streams.local.supervisor import Supervisor
from streams.postgres.fake import FakeOutbox
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import NewCommand, Row, apply_updates, fetch_rows, insert_command
from streams.stages.write_back import RowUpdate


class PostgresOutbox:
    def __init__(self, connection: psycopg.Connection[Any], profile: Profile) -> None:
        self.connection, self.profile = connection, profile

    def insert(self, command: NewCommand) -> None:
        insert_command(self.connection, self.profile, command)

    def lock(self, command_id: str) -> None:
        columns = {name: sql.Identifier(self.profile.columns[name]) for name in ("id", "status", "locked_by")}
        table = sql.Identifier(self.profile.schema, self.profile.table)
        query = sql.SQL("UPDATE {table} SET {status} = 'LOCKED', {locked_by} = 'poller' WHERE {id} = %s")
        assert self.connection.execute(query.format(table=table, **columns), (command_id,)).rowcount == 1

    def apply(self, updates: Sequence[RowUpdate]) -> set[str]:
        return apply_updates(self.connection, self.profile, updates)

    def rows(self, command_ids: Sequence[str]) -> dict[str, Row]:
        return fetch_rows(self.connection, self.profile, command_ids)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder: Path = tmp_path_factory.mktemp("outbox")
    paths = LocalPaths.under(folder)
    paths.make()
    with Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        port = choose_ports(paths.state / "ports.json", ["postgres"])["postgres"]
        passwords = load_passwords(paths.state / "passwords.properties", ROLES)
        postgres = Postgres(paths=paths, port=port, passwords=passwords, fsync=False)
        postgres.prepare()
        supervisor.start(postgres.process())
        yield postgres


@pytest.fixture(scope="module", params=["snake_case", "camel_case"])
def outbox(server: Postgres, request: pytest.FixtureRequest) -> Iterator[PostgresOutbox]:
    profile = load_profile(request.param)
    create_outbox(server, request.param, profile, "outbox_publication")
    with psycopg.connect(server.dsn(OWNER, request.param), autocommit=True) as connection:
        yield PostgresOutbox(connection, profile)


class TestPostgresOutbox(OutboxContract, WriteBackContract):
    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(UPDATES, max_size=8))
    def test_the_fake_shows_what_postgres_shows(self, outbox: PostgresOutbox, updates: list[RowUpdate]) -> None:
        fake = FakeOutbox(lambda: datetime.now(UTC))
        real_id, fake_id = inserted(outbox), inserted(fake)
        for news in updates:
            changed = [
                bool(outbox.apply([replace(news, command_id=real_id)])),
                bool(fake.apply([replace(news, command_id=fake_id)])),
            ]
            assert changed[0] == changed[1]
            assert shown(outbox.rows([real_id])[real_id]) == shown(fake.rows([fake_id])[fake_id])
