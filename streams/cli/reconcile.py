"""`streams reconcile`: what does not agree between rows, topics and ledger, and its repair."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from streams.cli.moments import moment
from streams.cli.output import cells, print_json, stderr, stdout, table
from streams.cli.where import load_here
from streams.errors import PipelineError
from streams.operations.audit import acting, new_action, record
from streams.operations.reconcile.findings import Finding, Report, Window
from streams.operations.reconcile.job import usual_window
from streams.operations.reconcile.kinds import MEANING, Kind, Remedy
from streams.operations.reconcile.notebook import Notebook, open_notebook
from streams.operations.reconcile.repair import WRITTEN_WITHIN_S, emit, publish, wait_until_final
from streams.operations.reconcile.run import Reconciliation
from streams.settings import ToolSettings

SHOWN = 20
"""Findings of each kind on the terminal; `--export` writes all."""

COULD_NOT_TELL = 3
"""Exit code: what was judged agrees, and something could not be judged."""

_WHO = {
    Remedy.WRITE: "--repair writes it",
    Remedy.EMIT: "never arrived",
    Remedy.REPLAY: "deliver it again",
    Remedy.PERSON: "a person decides",
}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(reconcile)


def reconcile(
    since: Annotated[str | None, typer.Option(help="Rows created since: ISO 8601, or an age as 90m, 12h, 3d.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Rows created before; default: what may still be under way.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put right what is provable; shows the plan first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the repair.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and findings as JSON.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write every finding into this file, a line of JSON each.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record of what operators do.")] = "",
) -> None:
    """Compare rows, change events, outcomes and ledger: what was lost, what disagrees, and what puts it right.

    Changes nothing without --repair. Exit code 0: nothing is left to do; 1: something is; 3: nothing was found, but
    not everything could be judged.

    Example: streams reconcile --since 12h
    """
    settings = load_here(ToolSettings)
    window = _window(settings, since, until)
    run = Reconciliation.of(settings, window, progress=lambda step: stderr.print(f"  {step}", markup=False))
    with open_notebook() as notebook:
        report = asyncio.run(run.run(notebook))
        if export is not None:
            _export(export, notebook.findings())
        if as_json:
            print_json(_document(report, notebook.findings()))
        else:
            _show(report, notebook)
        left = sum(report.counts.values())
        if repair and (report.remedies[Remedy.WRITE] or report.remedies[Remedy.EMIT]):
            left -= _repair(run, settings, report, notebook, yes=yes, reason=reason)
    if left:
        raise typer.Exit(1)
    if not report.is_complete:
        raise typer.Exit(COULD_NOT_TELL)


def _repair(
    run: Reconciliation, settings: ToolSettings, report: Report, notebook: Notebook, *, yes: bool, reason: str
) -> int:
    """How many findings were put right."""
    write, emit_ = report.remedies[Remedy.WRITE], report.remedies[Remedy.EMIT]
    stderr.print(f"{write} outcomes are published with what the ledger holds; the sink writes them into the rows.")
    stderr.print(f"{emit_} rows without an event are read by Debezium once more.")
    if not yes and not typer.confirm("Repair?", err=True):
        return 0
    flags = {"since": report.window.since.isoformat(), "until": report.window.until.isoformat()}
    counts = {kind.value: count for kind, count in report.counts.items() if count} | {"write": write, "emit": emit_}
    by = acting(settings.operator)
    record(run.parties.bootstrap_servers, new_action("repair", by=by, flags=flags, counts=counts, reason=reason))
    written = _write(run, notebook) if write else 0
    stderr.print(f"{written} of {write} rows show their outcome.")
    emitted = asyncio.run(emit(settings, notebook.findings(), lambda *_: None))[1] if emit_ else 0
    stderr.print(f"{emitted} of {emit_} rows have an event now.")
    return written + emitted


def _write(run: Reconciliation, notebook: Notebook) -> int:
    written = 0
    with psycopg.connect(run.parties.dsn, connect_timeout=5, autocommit=True) as connection:
        for command_ids in publish(run.parties, notebook.findings()):
            not_yet = wait_until_final(connection, run.parties, command_ids, WRITTEN_WITHIN_S)
            written += len(command_ids) - len(not_yet)
            for command_id, row in not_yet.items():
                stderr.print(f"{command_id} is still {row.status}: does the sink run? See: streams status")
    return written


def _window(settings: ToolSettings, since: str | None, until: str | None) -> Window:
    now = datetime.now(UTC)
    usual = usual_window(settings.reconcile, settings.fabric.settle_s, now)
    window = Window(
        since=moment(since, "--since") if since else usual.since,
        until=min(moment(until, "--until"), usual.until) if until else usual.until,
    )
    if window.since >= window.until:
        raise typer.BadParameter(
            f"nothing lies between {window.since:%Y-%m-%d %H:%M:%S} and {window.until:%Y-%m-%d %H:%M:%S} UTC; what is"
            f" younger than STREAMS_RECONCILE__GRACE_S ({settings.reconcile.grace_s:g} s) is not judged",
            param_hint="--since",
        )
    return window


def _show(report: Report, notebook: Notebook) -> None:
    window = report.window
    stdout.print(
        f"{report.rows} rows created {window.since:%Y-%m-%d %H:%M:%S} to {window.until:%Y-%m-%d %H:%M:%S} UTC,"
        f" {report.transactions} VALID transactions"
    )
    for reason, count in report.not_judged.items():
        stdout.print(f"not judged: {count} ({reason})", markup=False)
    if report.is_clean:
        stdout.print(
            "Everything agrees." if report.is_complete else "What was judged agrees; the rest nobody can tell."
        )
        return
    shown: dict[Kind, list[Finding]] = {}
    for found in notebook.findings():
        if len(shown.setdefault(found.kind, [])) < SHOWN:
            shown[found.kind].append(found)
    for kind, findings in shown.items():
        stdout.print(f"\n[bold]{kind}[/bold] {report.counts[kind]}: {MEANING[kind]}")
        made = table("command", "seen", "ledger", "who", "do")
        for found in findings:
            told = found.truth or ""
            made.add_row(
                *cells(found.command_id or found.transaction_id, found.seen, told, _WHO[found.remedy], found.command)
            )
        stdout.print(made)
        if report.counts[kind] > SHOWN:
            stdout.print(f"... and {report.counts[kind] - SHOWN} more: --export FILE writes all")


def _document(report: Report, findings: Iterator[Finding]) -> dict[str, Any]:
    return {
        "since": report.window.since,
        "until": report.window.until,
        "rows": report.rows,
        "transactions": report.transactions,
        "counts": {kind.value: count for kind, count in report.counts.items()},
        "remedies": {remedy.value: count for remedy, count in report.remedies.items()},
        "not_judged": dict(report.not_judged),
        "findings": list(islice(findings, 100_000)),
    }


def _export(file: Path, findings: Iterator[Finding]) -> None:
    try:
        with file.open("w") as opened:
            opened.writelines(json.dumps(asdict(found)) + "\n" for found in findings)
    except OSError as error:
        raise PipelineError(f"{file} cannot be written: {error.strerror}") from error
