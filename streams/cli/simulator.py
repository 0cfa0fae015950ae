"""`streams simulator run`: a ledger to test clients against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.faults import DEFAULT_STATE, State, fault
from streams.cli.output import stdout
from streams.errors import StackFailed
from streams.simulator.config import (
    CRYPTO,
    GATEWAY_ORGANISATION,
    ORGANISATIONS,
    IdentityConfig,
    SimulatorConfig,
    read_address,
)
from streams.simulator.wallet import network_keys
from streams.simulator.wallet import renew as renew_client

DEFAULT_IDENTITIES = (
    "org1-super-admin=gx_super_admin",
    "org1-admin=gx_admin",
    "org1-partner-api=gx_partner_api",
)

simulator = typer.Typer(help="A Fabric network in one process, to test clients against.", no_args_is_help=True)
simulator.add_typer(fault, name="fault")


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


@simulator.command()
def renew(
    identity: Annotated[str, typer.Argument(help="A client of the wallet.")],
    state: State = DEFAULT_STATE,
    wallet: Annotated[Path | None, typer.Option(help="Folder of the client's pair; default: STATE/wallet.")] = None,
) -> None:
    """Put a new certificate and key of a client into the wallet, as its certificate authority would.

    Workers that run take them up within seconds. A line of `streams up` keeps its wallet beside the ledger.

    Example: streams simulator renew org1-admin --state .local/state/ledger --wallet .local/state/wallet
    """
    if not (state / CRYPTO).is_dir():
        raise StackFailed(f"there is no {state / CRYPTO}: no simulator has kept its keys in {state}")
    folder = wallet or state / "wallet"
    renewed = renew_client(folder, identity, network_keys(state / CRYPTO)).certificate
    until = f"{renewed.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
    stdout.print(f"{folder / identity}-cert and -key are new, valid until {until}", soft_wrap=True)


def _identity(text: str) -> IdentityConfig:
    name, equals, rest = text.partition("=")
    role, _, msp_id = rest.partition("@")
    msp_id = msp_id or GATEWAY_ORGANISATION
    if not (name and equals and role) or "/" in name or msp_id not in ORGANISATIONS:
        raise typer.BadParameter(f"{text!r} is not NAME=ROLE or NAME=ROLE@MSP with one of {', '.join(ORGANISATIONS)}")
    return IdentityConfig(name=name, role=role, msp_id=msp_id)
