"""A drill on the line of these settings."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from streams.chaos.checker.ledger import Chain, Peer
from streams.chaos.drill.alert import Alert
from streams.chaos.drill.commands import Transfers
from streams.chaos.drill.outage import Drill, Options
from streams.chaos.drill.watch import Watch
from streams.chaos.driver import Driver
from streams.chaos.saboteur import Control
from streams.postgres.profiles import load_profile
from streams.settings import FabricSettings, ToolSettings


def drill_on(
    settings: ToolSettings, control: Path, alert: Alert, options: Options, notice: Callable[[str], None]
) -> Drill:
    """`control`: the file with the address of the simulator's control API. Raises grpc.RpcError if it is not there."""
    dsn, profile = settings.postgres.dsn.get_secret_value(), load_profile(settings.postgres.profile)
    peer = _peer(settings.fabric, next(iter(options.identities)))
    with Chain(peer) as chain:
        is_fresh = chain.money([]).minted == 0
    workload = Transfers(secrets.randbelow(2**31), is_fresh=is_fresh)
    return Drill(
        driver=Driver(dsn, profile, workload),
        watch=Watch(dsn, profile),
        control=Control(control),
        alert=alert,
        peer=peer,
        options=options,
        notice=notice,
    )


def _peer(fabric: FabricSettings, identity: str) -> Peer:
    return Peer(
        gateway=fabric.gateways[0],
        tls_ca_file=fabric.tls_ca_file,
        wallet=fabric.wallet,
        identity=identity,
        channel=fabric.channel,
        chaincode=fabric.chaincode,
        msp_id=fabric.msp_id,
    )
