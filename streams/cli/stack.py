"""`streams up`, `down`, `status`: the whole line on this machine."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.output import cells, print_json, stderr, stdout, table
from streams.cli.where import LOCAL, STACK_ENV, load_here
from streams.errors import StackFailed
from streams.local.ledgers import EXTERNAL, KINDS, SIMULATOR, LedgerOptions, check_state, require
from streams.local.line import DEMO_ROUTES, PORT_NAMES, Line, LineOptions
from streams.local.paths import LocalPaths
from streams.local.registry import Running, read_registry, stop_supervisor
from streams.local.signals import ending_as_interrupt
from streams.local.targets import TARGETS, read_targets
from streams.operations.check import check_identity
from streams.operations.status import LineStatus, line_status
from streams.routes.table import load_routes
from streams.settings import ExternalLedgerSettings, ToolSettings, UpSettings, load

UP_DEADLINE_S = 600.0


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(
    *,
    ledger: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = SIMULATOR,
    profile: Annotated[str, typer.Option(help="Names of the table: snake_case or camel_case.")] = "snake_case",
    routes: Annotated[Path | None, typer.Option(help="The table of routes.", exists=True)] = None,
    roles: Annotated[str, typer.Option(help="Who may call what: operations or chaincode.")] = "operations",
    block_interval_s: Annotated[
        float, typer.Option(help="A block is cut this long after its first transaction, seconds.")
    ] = 0.2,
    port: Annotated[list[str] | None, typer.Option(help="NAME=PORT; default: free ports.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once the line is up.")] = False,
) -> None:
    """Start the whole line here and keep it running: Postgres, Kafka, Connect, ledger, workers. Ctrl-C stops it.

    A process that dies is started again. Addresses are written to .local/stack.env; the state survives.

    Example: streams up --detach
    """
    load(UpSettings)
    if ledger not in KINDS:
        raise typer.BadParameter(f"{ledger!r} is not one of {', '.join(KINDS)}", param_hint="--ledger")
    routes = routes or DEMO_ROUTES
    identities = load_routes(routes).identities
    check_state(LocalPaths.under(LOCAL).state, ledger)
    require(ledger, identities)
    if detach:
        _detach()
        _warn_of_silence(ledger, identities)
        return
    options = LineOptions(
        profile=profile,
        routes=routes,
        ports=dict(_port(text) for text in port or []),
        ledger=LedgerOptions(kind=ledger, roles=roles, block_interval_s=block_interval_s),
        notice=lambda text: stderr.print(text, markup=False, soft_wrap=True),
    )
    with ending_as_interrupt():
        try:
            with Line(LocalPaths.under(LOCAL), options) as line:
                line.start()
                stdout.print(f"The line is up; its settings are in {LOCAL / STACK_ENV}. Ctrl-C stops it.")
                _warn_of_silence(ledger, identities)
                line.stack.supervise()
        except KeyboardInterrupt:
            stdout.print("The line is stopped; its state is kept.")


def _warn_of_silence(ledger: str, identities: Iterable[str]) -> None:
    """A ledger that is not ours may not answer, or not these identities; the line waits for it."""
    if ledger == EXTERNAL:
        fabric = load(ExternalLedgerSettings).fabric
        for finding in (asyncio.run(check_identity(fabric, identity)) for identity in identities):
            if not finding.is_ok:
                stderr.print(
                    f"warning: the ledger refuses {finding.what}: {finding.seen}", markup=False, soft_wrap=True
                )


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in PORT_NAMES or not number.isdigit() or not 0 < int(number) < 65536:
        raise typer.BadParameter(
            f"{text!r} is not NAME=PORT with a name of {', '.join(PORT_NAMES)}", param_hint="--port"
        )
    return name, int(number)


def _detach() -> None:
    """The same command without --detach, in a session of its own; returns when its settings file appears."""
    paths = LocalPaths.under(LOCAL)
    if read_registry(paths.registry) is not None:
        raise StackFailed(f"the stack in {LOCAL} is running already")
    paths.make()
    stack_env, log = LOCAL / STACK_ENV, paths.logs / "up.log"
    stack_env.unlink(missing_ok=True)
    with log.open("wb") as output:
        argv = [sys.executable, "-m", "streams", *(part for part in sys.argv[1:] if part != "--detach")]
        supervisor = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    due_at = time.monotonic() + UP_DEADLINE_S
    while not stack_env.exists():
        if supervisor.poll() is not None:
            raise StackFailed(f"the line did not come up; the end of {log}:\n{_end(log)}")
        if time.monotonic() > due_at:
            supervisor.terminate()
            raise StackFailed(f"the line is not up after {UP_DEADLINE_S:.0f} s; see {log}")
        time.sleep(0.1)
    stdout.print(f"The line is up; its settings are in {stack_env}. Stop it with: streams down")


def _end(log: Path) -> str:
    """Its last lines, without the name that every complaint begins with."""
    return "\n".join(line.removeprefix("streams: ") for line in log.read_text()[-4000:].splitlines())


def down(
    *,
    purge: Annotated[bool, typer.Option("--purge", help="Remove its data: rows, topics, offsets, blocks.")] = False,
) -> None:
    """Stop a detached line.

    Example: streams down --purge
    """
    paths = LocalPaths.under(LOCAL)
    was_running = stop_supervisor(paths.registry)
    stdout.print("The line is stopped." if was_running else "No line is running here.")
    if purge:
        if paths.state.exists():
            shutil.rmtree(paths.state)
        stdout.print("Its data is removed.")


def status(as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """Show the line: processes, connector, replication slot, topics with lag, breakers, rows by status.

    Exit code 1 if a part could not be asked.

    Example: streams status --json
    """
    running = read_registry(LocalPaths.under(LOCAL).registry)
    found = line_status(load_here(ToolSettings))
    if as_json:
        print_json(
            {"processes": _processes(running), **{field.name: getattr(found, field.name) for field in fields(found)}}
        )
    else:
        _print_status(running, found)
    if found.problems:
        raise typer.Exit(1)


def _processes(running: Running | None) -> list[dict[str, Any]]:
    """Name, pid, whether it is alive and where it answers /live, /ready and /metrics, of a line in this folder."""
    if running is None:
        return []
    addresses = {target.process: target.address for target in read_targets(LocalPaths.under(LOCAL).state / TARGETS)}
    return [
        {"name": name, "pid": identity.pid, "alive": identity.is_alive, "address": addresses.get(name)}
        for name, identity in running.processes.items()
    ]


def _print_status(running: Running | None, found: LineStatus) -> None:
    made = table("process", "pid", "state", "answers at", right=("pid",))
    for process in _processes(running):
        state = "alive" if process["alive"] else "[red]dead[/red]"
        made.add_row(process["name"], str(process["pid"]), state, process["address"] or "")
    if running is not None:
        stdout.print(made, end="\n\n")
    if found.connector is not None:
        stdout.print(f"connector  {found.connector.connector}, tasks {', '.join(found.connector.tasks) or 'none'}")
    for slot in found.slots or []:
        state = "active" if slot.active else "inactive"
        stdout.print(f"slot       {slot.slot_name} {state}, {slot.retained_bytes or 0:,} bytes not confirmed")
    if found.lags is not None:
        made = table("group", "topic", "lag", "records", right=("lag", "records"))
        for lag in found.lags:
            made.add_row(*cells(lag.group, lag.topic, lag.records, lag.end_offset))
        stdout.print()
        stdout.print(made)
    if found.breakers:
        made = table("identity", "worker", "breaker", "since", "cause")
        for breaker in found.breakers:
            since = breaker.happened_at.isoformat(timespec="seconds")
            made.add_row(*cells(breaker.identity, breaker.worker, breaker.state, since, breaker.cause or None))
        stdout.print()
        stdout.print(made)
    if found.rows is not None:
        counts = "  ".join(f"{name} {count:,}" for name, count in found.rows.items()) or "none"
        stdout.print(f"\nrows       {counts}")
    for part, problem in found.problems.items():
        stderr.print(f"[red]{part}: could not be asked:[/red] " + cells(problem)[0], soft_wrap=True)
