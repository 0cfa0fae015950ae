"""The network as a child process: `python -m streams.simulator --state DIR --wallet DIR ...`.

It is ready when the port accepts; the line `listening on HOST:PORT` on standard output names it. SIGTERM and SIGINT
stop it, and what was submitted before is committed first.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import load_roles
from streams.errors import PipelineError
from streams.simulator.config import ORGANISATIONS, IdentityConfig, SimulatorConfig
from streams.simulator.server import Simulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal; 0 after a clean stop, 1 when it cannot start."""
    given = _parser().parse_args(arguments)
    try:
        asyncio.run(_run(_config(given), ReferenceChaincode(load_roles(given.roles))))
    except (PipelineError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(config: SimulatorConfig, chaincode: ReferenceChaincode) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Simulator(config, chaincode) as simulator:
        print(f"listening on {simulator.address}", flush=True)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, simulator.committing}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()


def _config(given: argparse.Namespace) -> SimulatorConfig:
    return SimulatorConfig(
        state=given.state,
        wallet=given.wallet,
        listen=given.listen,
        channel=given.channel,
        chaincode=given.chaincode,
        identities=tuple(given.identity),
        block_interval_s=given.block_interval_s,
        block_max_messages=given.block_max_messages,
        gateway_limit=given.gateway_limit,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streams.simulator", description="A Fabric network in one process.", allow_abbrev=False
    )
    add = parser.add_argument
    add("--state", type=Path, required=True, help="folder of blocks and keys")
    add("--wallet", type=Path, required=True, help="folder that gets the clients' certificates and keys")
    add("--listen", default="127.0.0.1:0", help="host:port; port 0 takes a free one (default: %(default)s)")
    add("--channel", default="gxchannel")
    add("--chaincode", default="gxtv3")
    add("--roles", default="operations", help="which map of roles the chaincode enforces")
    add("--identity", type=_identity, action="append", default=[], metavar="NAME=ROLE[@MSP]", help="may be repeated")
    add("--block-interval-s", type=_positive_float, default=2.0)
    add("--block-max-messages", type=_positive_int, default=500)
    add("--gateway-limit", type=_positive_int, default=500)
    return parser


def _identity(text: str) -> IdentityConfig:
    name, equals, rest = text.partition("=")
    role, _, msp_id = rest.partition("@")
    msp_id = msp_id or ORGANISATIONS[0]
    if not (name and equals and role) or "/" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=ROLE or NAME=ROLE@MSP")
    if msp_id not in ORGANISATIONS:
        raise argparse.ArgumentTypeError(f"{msp_id} is not one of {', '.join(ORGANISATIONS)}")
    return IdentityConfig(name=name, role=role, msp_id=msp_id)


def _positive_float(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be greater than 0")
    return value


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
