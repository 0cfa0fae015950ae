"""The reference chaincode as a service: `python -m streams.chaincode --listen HOST:PORT --package-id ID`.

It is ready when the port accepts; the line `listening on HOST:PORT` on standard output names it. SIGTERM and SIGINT
stop it.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import load_roles
from streams.chaincode.shim.server import serve
from streams.errors import PipelineError

_ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; 0 after a clean stop, 1 when it cannot start."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    # Blocked before any thread starts, so that none of them is interrupted; sigwait takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        chaincode = ReferenceChaincode(load_roles(given.roles))
        with serve(chaincode, given.package_id, given.listen) as address:
            print(f"listening on {address}", flush=True)
            signal.sigwait(_ENDING)
    except PipelineError as error:
        print(f"chaincode: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streams.chaincode", description="The reference chaincode as a service.", allow_abbrev=False
    )
    parser.add_argument("--listen", required=True, help="host:port; port 0 takes a free one")
    parser.add_argument("--package-id", required=True, help="label:hash of the package that the peers have installed")
    parser.add_argument("--roles", default="operations", help="which map of roles to enforce (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
