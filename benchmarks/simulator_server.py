"""The simulator with a chaincode that writes one key: what is measured is the network, not a contract.

    python -m benchmarks.simulator_server FOLDER [own-core]

Prints the address once it listens; ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.network import serve
from streams.chaincode.state import State
from streams.simulator.config import IdentityConfig, SimulatorConfig

IDENTITY = "org1-admin"
BLOCK_INTERVAL_S = 0.2
GATEWAY_LIMIT = 20_000


class OneKey:
    """`write KEY TEXT`."""

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes:
        key, text = arguments
        state.put(key, text.encode())
        return b"done"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    config = SimulatorConfig(
        state=folder / "state",
        wallet=folder / "wallet",
        identities=(IdentityConfig(name=IDENTITY, role="gx_admin"),),
        block_interval_s=BLOCK_INTERVAL_S,
        gateway_limit=GATEWAY_LIMIT,
    )
    asyncio.run(serve(config, OneKey(), own_core=sys.argv[2:] == ["own-core"]))
