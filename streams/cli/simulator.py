"""`streams simulator run` and `streams simulator fault ...`: a ledger to test clients against, and its bad days."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.output import cells, print_json, stdout, table
from streams.errors import StackFailed
from streams.simulator.config import (
    CONTROL_FILE,
    GATEWAY_ORGANISATION,
    ORGANISATIONS,
    IdentityConfig,
    SimulatorConfig,
    read_address,
)
from streams.simulator.faults import KINDS, Fault, Limits

DEFAULT_STATE = Path(".local/simulator")
DEFAULT_IDENTITIES = (
    "org1-super-admin=gx_super_admin",
    "org1-admin=gx_admin",
    "org1-partner-api=gx_partner_api",
)
_TIMEOUT_S = 10
_WORDS = ("number", "struck", "spent", "kind")

simulator = typer.Typer(help="A Fabric network in one process, to test clients against.", no_args_is_help=True)
fault = typer.Typer(help="Faults of a running simulator.", no_args_is_help=True)
simulator.add_typer(fault, name="fault")

State = Annotated[Path, typer.Option(help="Folder of the simulator's blocks, keys and control address.")]
ControlUrl = Annotated[
    str | None, typer.Option("--control", envvar="STREAMS_SIMULATOR_CONTROL", help="The control API's address.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(simulator, name="simulator")


def _address(text: str | None) -> str | None:
    """For typer: a wrong address is a wrong call."""
    try:
        return None if text is None else read_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@simulator.callback()
def group() -> None:
    """A Fabric network in one process, to test clients against."""


@simulator.command("run")
def run_alone(
    state: State = DEFAULT_STATE,
    wallet: Annotated[Path | None, typer.Option(help="Gets certificates and keys; default: STATE/wallet.")] = None,
    listen: Annotated[str, typer.Option(callback=_address, help="The gateway and peer of Org1MSP.")] = "127.0.0.1:7051",
    org2_listen: Annotated[
        str, typer.Option(callback=_address, help="The gateway and peer of Org2MSP.")
    ] = "127.0.0.1:9051",
    orderer_listen: Annotated[str, typer.Option(callback=_address, help="The orderer.")] = "127.0.0.1:7050",
    control: Annotated[
        str | None, typer.Option(callback=_address, help="Serve the control API here; 127.0.0.1:0 for any port.")
    ] = None,
    identity: Annotated[
        list[str], typer.Option(help="A client to make certificate and key for: NAME=ROLE or NAME=ROLE@MSP.")
    ] = list(DEFAULT_IDENTITIES),  # noqa: B006  (typer copies it)
    roles: Annotated[str, typer.Option(help="Which map of roles the chaincode enforces.")] = "operations",
    block_interval_s: Annotated[float, typer.Option(min=0.001, help="From its first message to a block's cut.")] = 2.0,
    block_max_messages: Annotated[int, typer.Option(min=1, help="Cuts a block at once.")] = 500,
    gateway_limit: Annotated[int, typer.Option(min=1, help="Open calls at a gateway.")] = 500,
    own_core: Annotated[bool, typer.Option("--own-core", help="Faster where no other process wants the core.")] = False,
) -> None:
    """Serve the simulated network until Ctrl-C.

    WALLET gets NAME-cert and NAME-key of each identity, and tlsca-cert to trust.

    Example: streams simulator run --control 127.0.0.1:0 --block-interval-s 0.2
    """
    # Imported here: gRPC costs a moment that no other command should pay.
    from streams.simulator.process import run

    config = SimulatorConfig(
        state=state,
        wallet=wallet or state / "wallet",
        listen=listen,
        org2_listen=org2_listen,
        orderer_listen=orderer_listen,
        identities=tuple(_identity(text) for text in identity),
        block_interval_s=block_interval_s,
        block_max_messages=block_max_messages,
        gateway_limit=gateway_limit,
    )
    run(config, roles, control, own_core=own_core)


@fault.command()
def kinds() -> None:
    """List the kinds of faults, with the fields of each.

    Example: streams simulator fault kinds
    """
    listed = table("kind", "what happens", "fields")
    for kind in KINDS:
        listed.add_row(*cells(kind.kind, " ".join((kind.__doc__ or "").split()), _fields(kind)))
    stdout.print(listed)
    limits = ", ".join(_described(Limits, name) for name in Limits.model_fields)
    stdout.print(f"\nEvery fault can be limited: {limits}")


@fault.command()
def add(
    kind: Annotated[str, typer.Argument(help="A kind of `streams simulator fault kinds`.")],
    fields: Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE...", help="Fields and limits.")] = None,
    state: State = DEFAULT_STATE,
    control: ControlUrl = None,
) -> None:
    """Put a fault into force.

    Example: streams simulator fault add late call=submit delay_s=3 identity=org1-admin count=5
    """
    pairs = [field.partition("=") for field in fields or []]
    for name, equals, _ in pairs:
        if not equals:
            raise typer.BadParameter(f"{name!r} is not FIELD=VALUE")
    body = {"kind": kind} | {name: value for name, _, value in pairs}
    added = _ask(state, control, "POST", "/faults", body)
    stdout.print(f"fault {added['number']} is in force")


@fault.command("list")
def list_faults(
    state: State = DEFAULT_STATE,
    control: ControlUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the faults in force and those that are spent.

    Example: streams simulator fault list --json
    """
    faults = _ask(state, control, "GET", "/faults")
    if as_json:
        print_json(faults)
        return
    listed = table("number", "kind", "fields", "struck", right=("number", "struck"))
    for each in faults:
        given = " ".join(f"{name}={value}" for name, value in each.items() if name not in _WORDS)
        listed.add_row(*cells(each["number"], each["kind"], given, f"{each['struck']}{' (spent)' * each['spent']}"))
    stdout.print(listed)


@fault.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="Only this one.")] = None,
    state: State = DEFAULT_STATE,
    control: ControlUrl = None,
) -> None:
    """Take a fault, or all faults, out of force.

    Example: streams simulator fault clear
    """
    _ask(state, control, "DELETE", "/faults" if number is None else f"/faults/{number}")


def _ask(state: Path, control: str | None, method: str, path: str, body: object = None) -> Any:
    """Call the control API. Raises StackFailed."""
    file = state / CONTROL_FILE
    if control is None and not file.exists():
        raise StackFailed(f"there is no {file}: start the simulator with --control, or name its --control address")
    url = (control or file.read_text()).strip().rstrip("/") + path
    if not url.startswith("http://"):
        raise StackFailed(f"{url} is not an http:// address")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  (http only, checked above)
        url, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise StackFailed(f"the simulator refuses: {json.load(error)['error']}") from error
    except OSError as error:
        raise StackFailed(f"no simulator answers at {url}: {error}") from error


def _identity(text: str) -> IdentityConfig:
    name, equals, rest = text.partition("=")
    role, _, msp_id = rest.partition("@")
    msp_id = msp_id or GATEWAY_ORGANISATION
    if not (name and equals and role) or "/" in name or msp_id not in ORGANISATIONS:
        raise typer.BadParameter(f"{text!r} is not NAME=ROLE or NAME=ROLE@MSP with one of {', '.join(ORGANISATIONS)}")
    return IdentityConfig(name=name, role=role, msp_id=msp_id)


def _fields(kind: type[Fault]) -> str:
    own = [name for name in kind.model_fields if name not in Limits.model_fields]
    return ", ".join(_described(kind, name) for name in own)


def _described(kind: type[Limits], name: str) -> str:
    default = kind.model_fields[name].default
    return name if kind.model_fields[name].is_required() or default is None else f"{name}={default}"
