"""Insert a command as a producing service does, and wait for what becomes of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg

from streams.errors import MalformedCommand, PipelineError
from streams.postgres.profiles import Profile
from streams.postgres.rows import NewCommand, Row, fetch_rows, insert_command
from streams.stages.write_back import FINAL

SERVICE = "streams-cli"
POLL_S = 0.05


def send(
    connection: psycopg.Connection[Any],
    profile: Profile,
    command_type: str,
    payload: str,
    *,
    tenant_id: str,
    request_id: str | None,
) -> str:
    """Insert one command; its id.

    Raises MalformedCommand (the payload is not JSON) or PipelineError (the database refuses the row).
    """
    try:
        json.loads(payload)
    except ValueError as error:
        raise MalformedCommand(f"the payload is not JSON: {error}", code="MALFORMED_PAYLOAD") from error
    command = NewCommand(
        command_id=str(uuid.uuid4()),
        tenant_id=tenant_id,
        service=SERVICE,
        command_type=command_type,
        request_id=request_id or f"send-{uuid.uuid4()}",
        payload=payload,
    )
    try:
        with connection.transaction():
            insert_command(connection, profile, command)
    except psycopg.errors.InvalidTextRepresentation as error:
        raise PipelineError(f"{command_type}: not a command type of the table {profile.table}") from error
    except psycopg.errors.UniqueViolation as error:
        raise PipelineError(f"request id {request_id} was already used by tenant {tenant_id}") from error
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise PipelineError(f"the database refuses the command: {str(error).splitlines()[0]}") from error
    return command.command_id


def wait_until_final(
    connection: psycopg.Connection[Any],
    profile: Profile,
    command_id: str,
    *,
    timeout_s: float,
    on_change: Callable[[Row], None],
) -> Row:
    """The row once its status is final; `on_change` sees each status on the way. Raises PipelineError on time-out."""
    deadline = time.monotonic() + timeout_s
    status = None
    while True:
        with connection.transaction():
            row = fetch_rows(connection, profile, [command_id])[command_id]
        if row.status != status:
            status = row.status
            on_change(row)
        if status in FINAL:
            return row
        if time.monotonic() > deadline:
            raise PipelineError(
                f"{command_id} is still {status} after {timeout_s:.0f} s; see: streams trace {command_id}"
            )
        time.sleep(POLL_S)
