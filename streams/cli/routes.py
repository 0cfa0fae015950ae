"""`streams routes check`: is the table of routes right, and what does it say?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import psycopg
import typer

from streams.cli.output import cells, print_json, stdout, table
from streams.cli.where import load_here
from streams.postgres.ddl import ddl_command_types
from streams.postgres.profiles import load_profile
from streams.postgres.rows import command_types
from streams.routes.description import describe
from streams.routes.table import check_covers, load_routes
from streams.settings import PerhapsPostgresSettings, RoutesCheckSettings

routes = typer.Typer(help="The table of routes.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(routes, name="routes")


@routes.callback()
def group() -> None:
    """The table of routes."""


@routes.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The file to check; default: STREAMS_ROUTES.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Validate the table of routes and print it; exit code 1 if it is wrong.

    With a database configured, every label of the table's command type must have a route.

    Example: streams routes check schemas/routes.chaincode-roles.toml
    """
    settings = load_here(RoutesCheckSettings)
    loaded = load_routes(file or settings.routes)
    rows = describe(loaded)
    labels, source = _labels(settings.postgres)
    check_covers(loaded, labels)
    if as_json:
        print_json(rows)
        return
    made = table("command type", "identity", "contract:function", "arguments", "ordering key", "touches", "parked")
    for row in rows:
        name = row.command_type if row.enabled else f"{row.command_type} (off)"
        keys = (row.ordering_key, row.touches, row.parked)
        made.add_row(*cells(name, row.identity, row.transaction_name, row.arguments, *keys))
    stdout.print(made)
    stdout.print(f"\n{len(rows)} command types, {len(loaded.identities)} identities: OK; they cover {source}")


def _labels(postgres: PerhapsPostgresSettings) -> tuple[list[str], str]:
    """The command types that need a route, and where they are from: the database, else the shipped DDL."""
    profile = load_profile(postgres.profile)
    if postgres.dsn is None:
        return ddl_command_types(profile), f"the DDL of {profile.table} (no database configured)"
    with psycopg.connect(postgres.dsn.get_secret_value(), connect_timeout=5) as connection:
        return command_types(connection, profile), f"the database's {profile.table}"
