"""The simulator with a chaincode that writes one key: what is measured is the network, not a contract.

    python -m benchmarks.simulator_server FOLDER [own-core]

Prints the address once it listens; ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.chaincode.state import State
from streams.simulator.config import IdentityConfig, SimulatorConfig
from streams.simulator.process import collect_rarely, gather_network_events
from streams.simulator.server import Simulator

IDENTITY = "org1-admin"
BLOCK_INTERVAL_S = 0.2
GATEWAY_LIMIT = 20_000


class OneKey:
    """`write KEY TEXT`."""

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes:
        key, text = arguments
        state.put(key, text.encode())
        return b"done"


async def serve(folder: Path, own_core: bool) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = SimulatorConfig(
        state=folder / "state",
        wallet=folder / "wallet",
        identities=(IdentityConfig(name=IDENTITY, role="gx_admin"),),
        block_interval_s=BLOCK_INTERVAL_S,
        gateway_limit=GATEWAY_LIMIT,
    )
    async with Simulator(config, OneKey()) as simulator:
        collect_rarely()
        if own_core:
            gather_network_events()
        print(simulator.address, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:] == ["own-core"]))
