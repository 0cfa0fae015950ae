"""The network as a child process: `python -m streams.simulator --state DIR --wallet DIR ...`.

It is ready when the port accepts; the line `listening on HOST:PORT` on standard output names it, further lines name
the other peer, the orderer and the control API if they were asked for. SIGTERM and SIGINT stop it, and what was
submitted before is committed first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.errors import PipelineError
from streams.simulator.config import ORGANISATIONS, IdentityConfig, SimulatorConfig, read_address
from streams.simulator.process import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal; 0 after a clean stop, 1 when it cannot start."""
    given = _parser().parse_args(arguments)
    try:
        run(_config(given), given.roles, given.control, own_core=given.own_core)
    except (PipelineError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


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
        org2_listen=given.org2_listen,
        orderer_listen=given.orderer_listen,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streams.simulator", description="A Fabric network in one process.", allow_abbrev=False
    )
    add = parser.add_argument
    add("--state", type=Path, required=True, help="folder of blocks and keys")
    add("--wallet", type=Path, required=True, help="folder that gets the clients' certificates and keys")
    add(
        "--listen",
        type=_address,
        default="127.0.0.1:0",
        help="host:port; port 0 takes a free one (default: %(default)s)",
    )
    add("--org2-listen", type=_address, metavar="HOST:PORT", help="open the peer of Org2MSP too")
    add("--orderer-listen", type=_address, metavar="HOST:PORT", help="open the orderer too")
    add("--control", type=_address, metavar="127.0.0.1:PORT", help="serve the control API, which injects faults")
    add("--own-core", action="store_true", help="be faster where no other process wants the core")
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


def _address(text: str) -> str:
    try:
        return read_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


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
