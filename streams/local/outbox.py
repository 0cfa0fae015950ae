"""The outbox in a database: roles, table, publication and grants, made once."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from streams.errors import StackFailed
from streams.files import SCHEMAS
from streams.local.postgres import CAPTURE, OWNER, SINK, SUPERUSER, Postgres
from streams.postgres.profiles import Profile

HEARTBEATS, SIGNALS = "cdc_heartbeat", "cdc_signal"
_HERE = Path(__file__).parent


def create_outbox(postgres: Postgres, database: str, profile: Profile, publication: str) -> None:
    """Make the database and the outbox in it, under the names of a shipped profile; what is there stays as it is.

    Raises StackFailed: the profile has no DDL, or Postgres refuses.
    """
    ddl = SCHEMAS / f"{profile.name}.sql"
    if not ddl.exists():
        raise StackFailed(f"profile {profile.name}: no {ddl.name} in {ddl.parent} to make its table with")
    try:
        _create_roles_and_database(postgres, database)
        with psycopg.connect(postgres.dsn(OWNER, database)) as connection:
            if not _existing(connection, publication=publication)[2]:
                _create_table(connection, ddl, profile, publication)
    except psycopg.Error as error:
        raise StackFailed(f"the outbox cannot be made in database {database}: {error}") from error


def _create_roles_and_database(postgres: Postgres, database: str) -> None:
    with psycopg.connect(postgres.dsn(SUPERUSER, "postgres"), autocommit=True) as connection:
        has_roles, has_database, _ = _existing(connection, role=SINK, database=database)
        if not has_roles:
            with connection.transaction():
                _execute(
                    connection,
                    SCHEMAS / "roles.sql",
                    owner=sql.Identifier(OWNER),
                    capture=sql.Identifier(CAPTURE),
                    sink=sql.Identifier(SINK),
                    owner_password=_hashed(connection, OWNER, postgres),
                    capture_password=_hashed(connection, CAPTURE, postgres),
                    sink_password=_hashed(connection, SINK, postgres),
                )
        if not has_database:
            names = {"database": sql.Identifier(database), "owner": sql.Identifier(OWNER)}
            _execute(connection, _HERE / "database.sql", **names)


def _hashed(connection: psycopg.Connection[tuple[bool, bool, bool]], role: str, postgres: Postgres) -> sql.Literal:
    """The role's password as Postgres stores it, so that no statement, and no log of one, holds the password."""
    password = postgres.passwords[role].encode()
    return sql.Literal(connection.pgconn.encrypt_password(password, role.encode(), b"scram-sha-256").decode())


def _create_table(
    connection: psycopg.Connection[tuple[bool, bool, bool]], ddl: Path, profile: Profile, publication: str
) -> None:
    """All in one transaction: the publication, made last, tells that everything is there."""
    table = sql.Identifier(profile.schema, profile.table)
    schema = sql.Identifier(profile.schema)
    connection.execute(ddl.read_text())
    columns = {name: sql.Identifier(column) for name, column in profile.columns.items()}
    _execute(connection, SCHEMAS / "sink.sql", schema=schema, table=table, sink=sql.Identifier(SINK), **columns)
    _execute(
        connection,
        SCHEMAS / "capture.sql",
        schema=schema,
        table=table,
        heartbeats=sql.Identifier(profile.schema, HEARTBEATS),
        signals=sql.Identifier(profile.schema, SIGNALS),
        publication=sql.Identifier(publication),
        capture=sql.Identifier(CAPTURE),
    )


def _existing(
    connection: psycopg.Connection[tuple[bool, bool, bool]],
    *,
    role: str = "",
    database: str = "",
    publication: str = "",
) -> tuple[bool, bool, bool]:
    """Whether the role, the database and, in this database, the publication are there."""
    query = (_HERE / "existing.sql").read_text()
    names = {"role": role, "database": database, "publication": publication}
    row = connection.execute(query, names).fetchone()
    return row or (False, False, False)


def _execute(connection: psycopg.Connection[tuple[bool, bool, bool]], file: Path, **names: sql.Composable) -> None:
    connection.execute(sql.SQL(file.read_text()).format(**names))
