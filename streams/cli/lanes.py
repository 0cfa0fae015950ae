"""`streams lanes list|pause|resume`: which commands operators hold back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from streams.cli.output import cells, print_json, stdout, table
from streams.cli.where import load_here
from streams.errors import PipelineError
from streams.operations import lanes as holding
from streams.operations.audit import acting
from streams.operators import LaneControl
from streams.routes.table import load_routes
from streams.settings import ToolSettings

lanes = typer.Typer(help="Hold commands that have not been sent, and let them go.", no_args_is_help=True)

Identity: TypeAlias = Annotated[str | None, typer.Option(help="Commands of this identity.")]
Type: TypeAlias = Annotated[str | None, typer.Option("--type", help="Commands of this type.")]
Tenant: TypeAlias = Annotated[str | None, typer.Option(help="Commands of this tenant.")]
Key: TypeAlias = Annotated[str | None, typer.Option(help="Commands of this ordering key.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print them as JSON.")]
WHAT = {
    "identity": "identity",
    "command_type": "type",
    "tenant_id": "tenant",
    "ordering_key": "key",
    "replay_id": "replay",
}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(lanes, name="lanes")


@lanes.command("list")
def list_pauses(as_json: AsJson = False) -> None:
    """Show what is paused, by whom and why.

    Example: streams lanes list
    """
    found = holding.pauses(load_here(ToolSettings).kafka.bootstrap_servers)
    if as_json:
        print_json(found)
    elif found:
        show(found)
    else:
        stdout.print("Nothing is paused.")


@lanes.command()
def pause(
    reason: Annotated[str, typer.Option(help="Why; the rows of the commands show it.")],
    identity: Identity = None,
    command_type: Type = None,
    tenant: Tenant = None,
    key: Key = None,
    everything: Annotated[bool, typer.Option("--all", help="Every command of every identity.")] = False,
) -> None:
    """Hold commands that have not been sent; those that are all of what is named. Nothing fails meanwhile.

    Example: streams lanes pause --tenant acme --type TRANSFER_TOKENS --reason "incident 42"
    """
    settings = load_here(ToolSettings)
    control = _control(settings, identity, command_type, tenant, key, reason=reason)
    _check(bool(control.selector) is not everything, "name what to pause (--identity --type --tenant --key), or --all")
    _check_names(settings, control)
    holding.pause(settings.kafka.bootstrap_servers, control)
    stdout.print(
        f"Paused: {describe(control)}. Let it go with: streams lanes resume{_options(control)}", soft_wrap=True
    )


@lanes.command()
def resume(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    identity: Identity = None,
    command_type: Type = None,
    tenant: Tenant = None,
    key: Key = None,
    everything: Annotated[bool, typer.Option("--all", help="Lift every pause of lanes there is.")] = False,
) -> None:
    """Lift the pause that names exactly this. Exit code 1 if there is none.

    Example: streams lanes resume --tenant acme --type TRANSFER_TOKENS
    """
    settings = load_here(ToolSettings)
    wanted = _control(settings, identity, command_type, tenant, key, reason=reason)
    _check(bool(wanted.selector) is not everything, "name what to resume (--identity --type --tenant --key), or --all")
    there = [found for found in holding.pauses(settings.kafka.bootstrap_servers) if found.replay_id is None]
    lifted = [found for found in there if everything or found.key == wanted.key]
    if not lifted:
        what = "nothing is paused" if everything else f"no pause names exactly {describe(wanted)}"
        raise PipelineError(f"{what}; see: streams lanes list")
    let_go = [
        replace(found, is_paused=False, reason=reason, by=wanted.by, happened_at=wanted.happened_at) for found in lifted
    ]
    holding.resume(settings.kafka.bootstrap_servers, let_go)
    for control in let_go:
        stdout.print(f"Let go: {describe(control)}.", soft_wrap=True)


def show(found: list[LaneControl]) -> None:
    """As a table."""
    made = table("paused", "since", "by", "reason")
    for control in found:
        made.add_row(
            *cells(describe(control), control.happened_at.isoformat(timespec="seconds"), control.by, control.reason)
        )
    stdout.print(made)


def describe(control: LaneControl) -> str:
    """What it selects, in words."""
    named = control.selector
    return ", ".join(f"{WHAT[name]} {value}" for name, value in named.items()) or "everything"


def _options(control: LaneControl) -> str:
    named = control.selector
    return "".join(f" --{WHAT[name]} {value!r}" for name, value in named.items()) or " --all"


def _control(
    settings: ToolSettings,
    identity: str | None,
    command_type: str | None,
    tenant: str | None,
    key: str | None,
    *,
    reason: str,
) -> LaneControl:
    return LaneControl(
        identity=identity,
        command_type=command_type,
        tenant_id=tenant,
        ordering_key=key,
        is_paused=True,
        reason=reason,
        by=acting(settings.operator),
        happened_at=datetime.now(UTC),
    )


def _check_names(settings: ToolSettings, control: LaneControl) -> None:
    """A pause of what does not exist would hold nothing, and nobody would notice."""
    routes = load_routes(settings.routes)
    identity, command_type = control.identity, control.command_type
    _check(identity in (None, *routes.identities), f"no identity {identity}: {', '.join(routes.identities)}")
    _check(command_type in (None, *routes.routes), f"no command type {command_type}; see: streams routes check")


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise typer.BadParameter(otherwise)
