"""`streams send`, `trace`, `check`: one command, and whether the line can carry it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from streams.cli.output import cells, print_json, stdout, table
from streams.cli.where import load_here
from streams.fabric.ids import create_secret, load_secret
from streams.kafka.topics import create_topics, line_topics
from streams.operations import check as checking
from streams.operations import send as sending
from streams.operations import trace as tracing
from streams.postgres.profiles import load_profile
from streams.postgres.rows import Row
from streams.routes.table import load_routes
from streams.settings import SendSettings, ToolSettings


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(send)
    app.command()(trace)
    app.command()(check)
    app.command()(topics)
    app.command("nonce-secret")(nonce_secret)


def send(
    command_type: Annotated[str, typer.Argument(metavar="TYPE", help="The command type, e.g. TRANSFER_TOKENS.")],
    payload: Annotated[str, typer.Option(help="A file with the JSON payload, or - for standard input.")] = "-",
    tenant: Annotated[str, typer.Option(help="The tenant of the row.")] = "default",
    request_id: Annotated[str | None, typer.Option(help="Unique per tenant; default: a new one.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the final status; exit code 1 if FAILED.")] = False,
    timeout_s: Annotated[float, typer.Option(help="How long to wait, seconds.")] = 60.0,
) -> None:
    """Insert a command as a service does and print its id.

    Example: echo '{"reason": "Incident 42"}' | streams send PAUSE_SYSTEM --wait
    """
    settings = load_here(SendSettings)
    profile = load_profile(settings.postgres.profile)
    text = _read(payload)
    with psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=5, autocommit=True) as connection:
        command_id = sending.send(connection, profile, command_type, text, tenant_id=tenant, request_id=request_id)
        print(command_id)
        if wait:
            row = sending.wait_until_final(connection, profile, command_id, timeout_s=timeout_s, on_change=_show_status)
            if row.status == "FAILED":
                raise typer.Exit(1)


def _read(payload: str) -> str:
    try:
        return sys.stdin.read() if payload == "-" else Path(payload).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{payload}: {error}", param_hint="--payload") from error


def _show_status(row: Row) -> None:
    parts = [row.status, row.transaction_id, f"block {row.block_number}" if row.block_number is not None else None]
    failure = f"{row.error_code}: {row.error}" if row.error_code else None
    stdout.print("  ".join(cells(*(part for part in (*parts, failure) if part))), soft_wrap=True)


def trace(
    command_id: Annotated[str, typer.Argument(help="Primary key of the row.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Follow a command through the whole line: row, event, routed command, outcomes, ledger, time per stage.

    Example: streams trace 3f0c1f5e-6a0e-4a8b-8a8f-0c6d2b7e1a01
    """
    found = asyncio.run(tracing.trace(load_here(ToolSettings), command_id))
    if as_json:
        print_json(_document(found))
        return
    made = table("where", "what", "when")
    for where, what, when in _story(found):
        made.add_row(*cells(where, what, when.isoformat(timespec="milliseconds") if when else None))
    stdout.print(made)
    if found.durations_s:
        times = "  ".join(f"{stage} +{seconds * 1000:.0f} ms" for stage, seconds in found.durations_s.items())
        stdout.print(f"\n{times}")


def _story(found: tracing.Trace) -> list[tuple[str, str, Any]]:
    row = found.row
    story: list[tuple[str, str, Any]] = [
        ("row", f"{row.command_type} {row.status}, tenant {row.tenant_id}, request {row.request_id}", row.created_at)
    ]
    if row.error_code:
        story.append(("", f"{row.error_code}: {row.error}", row.updated_at))
    for change in found.changes:
        how = "snapshot" if change.from_snapshot else f"lsn {change.lsn}"
        story.append(("change event", f"{change.origin}, {how}", change.captured_at))
    for origin, command in found.routed:
        what = f"{origin}, {command.identity} calls {command.transaction_name}, ordering key {command.ordering_key}"
        story.append(("routed", what, command.routed_at))
    for origin, outcome in found.outcomes:
        failure = f", {outcome.error_code}: {outcome.error}" if outcome.error_code else ""
        story.append(("outcome", f"{origin}, {outcome.kind} by {outcome.worker}{failure}", outcome.happened_at))
    for origin, letter in found.dead_letters:
        what = f"{origin}, {letter.kind} {letter.error_code}, read at {letter.origin}"
        story.append(("dead letter", what, letter.happened_at))
    for answer in found.ledger:
        held = f"{answer.code} in block {answer.block_number}" if answer.code else "nothing"
        story.append(("ledger", f"{answer.identity}, attempt {answer.attempt}, {answer.transaction_id}: {held}", None))
    if found.ledger_problem:
        story.append(("ledger", f"could not be asked: {found.ledger_problem}", None))
    return story


def _document(found: tracing.Trace) -> dict[str, Any]:
    return {
        "row": found.row,
        "change_events": list(found.changes),
        "routed": [{"origin": origin, "command": command} for origin, command in found.routed],
        "outcomes": [{"origin": origin, "outcome": outcome} for origin, outcome in found.outcomes],
        "dead_letters": [{"origin": origin, "letter": letter} for origin, letter in found.dead_letters],
        "ledger": list(found.ledger),
        "ledger_problem": found.ledger_problem,
        "stages": found.stages,
        "durations_s": found.durations_s,
    }


def check() -> None:
    """Check every dependency and identity: one OK or FAILED line each, exit code 1 if any failed.

    Example: streams check
    """
    if not asyncio.run(_check()):
        raise typer.Exit(1)


async def _check() -> bool:
    all_ok = True
    async for finding in checking.check(load_here(ToolSettings)):
        all_ok = all_ok and finding.is_ok
        mark = "[green]OK[/green]    " if finding.is_ok else "[red]FAILED[/red]"
        stdout.print(f"{mark} {finding.what}: " + cells(finding.seen)[0], soft_wrap=True)
    return all_ok


def topics() -> None:
    """Create the line's topics that are missing: change events, commands per identity, results, dead letters.

    The embedded stack does this by itself.

    Example: streams topics
    """
    settings = load_here(ToolSettings)
    cdc_topic = load_profile(settings.postgres.profile).cdc_topic(settings.kafka.topic_prefix)
    wanted = line_topics(load_routes(settings.routes).identities, cdc_topic, settings.kafka.command_partitions)
    create_topics(settings.kafka.bootstrap_servers, wanted, settings.kafka.replication_factor)
    for topic in wanted:
        stdout.print(f"{topic.name}, {topic.partitions} partitions", soft_wrap=True)


def nonce_secret(file: Annotated[Path, typer.Argument(help="Where to; the folder must be there.")]) -> None:
    """Make the secret that transaction ids follow from, once for a deployment; a file that is there is kept.

    Every process must be given the same file. Keep it in the backup: without it, nobody can tell whether a command
    is on the ledger.

    Example: streams nonce-secret ./nonce-secret
    """
    was_there = file.exists()
    create_secret(file)
    load_secret(file)
    stdout.print(f"{file} {'is kept' if was_there else 'is made'}: the nonce secret.", soft_wrap=True)
