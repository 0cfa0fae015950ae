"""`streams dead-letters redrive|discard`: a plan first, always; then what the plan says, on record."""

from __future__ import annotations

import asyncio
from typing import Annotated, TypeAlias

import typer

from streams.cli.dead_letters import (
    EVER,
    AsJson,
    Code,
    CommandId,
    Identity,
    Kind,
    Since,
    Type,
    read,
    wanted,
)
from streams.cli.output import cells, print_json, stderr, stdout, table
from streams.cli.where import load_here
from streams.errors import PipelineError
from streams.kafka.replays import DEFAULT_SHARE
from streams.operations.audit import Writer, acting, new_action
from streams.operations.letters.desk import Desk
from streams.operations.letters.discard import discard as carry_out
from streams.operations.letters.discard import plan_discard
from streams.operations.letters.letter import Wanted
from streams.operations.letters.redrive import Planner, chosen
from streams.operations.letters.redrive import redrive as publish
from streams.operations.letters.step import Deed, Step, counts, unless
from streams.operations.letters.watch import Watch
from streams.operators import OperatorAction
from streams.settings import ToolSettings

TYPED_ABOVE = 100
"""Letters; whoever deals with more types their number."""

SHOWN = 50
Every: TypeAlias = Annotated[bool, typer.Option("--all", help="Every open letter there is.")]
Execute: TypeAlias = Annotated[bool, typer.Option("--execute", help="Do it; without, the plan is only shown.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Only show the plan, as without --execute.")]


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command()(redrive)
    group.command()(discard)


def redrive(
    kind: Kind = None,
    command_type: Type = None,
    identity: Identity = None,
    code: Code = None,
    since: Since = EVER,
    command_id: CommandId = None,
    every: Every = False,
    share: Annotated[float, typer.Option(min=0.01, max=1.0, help="Part of the window they may take.")] = DEFAULT_SHARE,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    execute: Execute = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give the commands of dead letters to their workers once more. The ledger is asked about each before.

    With a parked command go those that wait behind it, in the order of the letters. Exit code 1 if some cannot go.

    Example: streams dead-letters redrive --code CHAINCODE_REFUSED --since 2h --reason "limit raised" --execute
    """
    settings = load_here(ToolSettings)
    named, desk = wanted(kind, command_type, identity, code, since, command_id), Desk.of(settings)
    _check_named(named, every=every)
    watch = Watch.begin(desk.bootstrap_servers, desk.routes.identities)
    letters = chosen(read(desk, named), named)
    watch.follow(found.letter.command_id for found in letters)

    async def planned() -> list[Step]:
        async with desk.ledgers() as ledgers:
            return await Planner(ledgers, desk.reroute).plan(letters)

    steps = asyncio.run(planned())
    _show(steps, as_json=as_json)
    if may_execute(steps, execute=execute and not dry_run):
        steps = _redriven(watch, steps, _action("redrive", settings, named, steps, reason), share)
    _exit(steps)


def _redriven(watch: Watch, steps: list[Step], action: OperatorAction, share: float) -> list[Step]:
    writer = Writer(watch.bootstrap_servers)
    writer.record(action)
    news = watch.news(action.action_id)
    done = [unless(news.get(step.found.letter.command_id or ""), step) for step in steps]
    publish(writer, done, action, share)
    _tell_done(done)
    stderr.print("They are with their workers; one that fails again has a new letter: streams dead-letters list")
    return done


def discard(
    reason: Annotated[str, typer.Option(help="Why; the rows of parked commands show it.")],
    kind: Kind = None,
    command_type: Type = None,
    identity: Identity = None,
    code: Code = None,
    since: Since = EVER,
    command_id: CommandId = None,
    every: Every = False,
    execute: Execute = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Settle dead letters by decision. A parked command becomes FAILED, if the ledger proves that it will be nowhere.

    Exit code 1 if some are refused.

    Example: streams dead-letters discard --kind malformed --reason "test data" --execute
    """
    settings = load_here(ToolSettings)
    named, desk = wanted(kind, command_type, identity, code, since, command_id), Desk.of(settings)
    _check_named(named, every=every)
    watch = Watch.begin(desk.bootstrap_servers, desk.routes.identities)
    letters = [found for found in read(desk, named, named.matches) if named.matches(found)]
    watch.follow(found.letter.command_id for found in letters)

    async def run() -> list[Step]:
        async with desk.ledgers() as ledgers:
            steps = await plan_discard(ledgers, letters, settings.fabric.settle_s)
            _show(steps, as_json=as_json)
            if not may_execute(steps, execute=execute and not dry_run):
                return steps
            action = _action("discard", settings, named, steps, reason)
            Writer(desk.bootstrap_servers).record(action)
            return await carry_out(watch, ledgers, steps, action, settings.fabric.settle_s)

    done = asyncio.run(run())
    if execute and not dry_run:
        _tell_done(done)
    _exit(done)


def _tell_done(done: list[Step]) -> None:
    stderr.print("Done: " + ", ".join(f"{count} {deed}" for deed, count in counts(done).items()))
    for step in done:
        if step.deed is Deed.REFUSE:
            stderr.print(f"  {step.found.letter.command_id}: {step.why}", markup=False, soft_wrap=True)


def _check_named(named: Wanted, *, every: bool) -> None:
    if named.names_something is every:
        raise typer.BadParameter("name the letters (--kind --type --identity --code --command-id), or --all")


def _show(steps: list[Step], *, as_json: bool) -> None:
    if as_json:
        print_json([_line(step) for step in steps])
        return
    made = table("what", "letter", "command", "code", "why")
    for step in steps[:SHOWN]:
        letter = step.found.letter
        made.add_row(*cells(step.deed, step.found.address.offset, letter.command_id, letter.error_code, step.why))
    stdout.print(made)
    if len(steps) > SHOWN:
        stdout.print(f"... and {len(steps) - SHOWN} more: --json shows all")
    stdout.print(", ".join(f"{count} {deed}" for deed, count in counts(steps).items()) or "No letters.")


def _line(step: Step) -> dict[str, object]:
    letter = step.found.letter
    return {
        "deed": step.deed,
        "why": step.why,
        "offset": step.found.address.offset,
        "command_id": letter.command_id,
        "code": letter.error_code,
    }


def may_execute(steps: list[Step], *, execute: bool) -> bool:
    """There is something to do, and whoever deals with many has typed how many."""
    count = sum(step.deed is not Deed.REFUSE for step in steps)
    if not count:
        return False
    if not execute:
        stderr.print("Nothing was done; --execute does it.")
        return False
    if count > TYPED_ABOVE:
        typed = typer.prompt(f"Type {count} to deal with so many letters", err=True)
        if typed.strip() != str(count):
            raise PipelineError(f"{typed} is not {count}; nothing is done")
    return True


def _action(verb: str, settings: ToolSettings, named: Wanted, steps: list[Step], reason: str) -> OperatorAction:
    given = {"kind": named.kind, "type": named.command_type, "identity": named.identity, "code": named.code}
    given |= {"command_id": named.command_id, "since": named.since.isoformat(timespec="seconds")}
    flags = {name: value for name, value in given.items() if value is not None}
    return new_action(verb, by=acting(settings.operator), flags=flags, counts=counts(steps), reason=reason)


def _exit(steps: list[Step]) -> None:
    if any(step.deed is Deed.REFUSE for step in steps):
        raise typer.Exit(1)
