"""A simulated network whose chaincode does as little as a scenario of `benchmarks.submit` needs.

    python -m benchmarks.submit_ledger FOLDER IDENTITY BLOCK_INTERVAL_S

Prints the address once it listens; ends with SIGTERM. Blocks hold 500 transactions at most.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path

from streams.chaincode.state import State
from streams.simulator.config import IdentityConfig, SimulatorConfig
from streams.simulator.process import collect_rarely
from streams.simulator.server import Simulator

SLOW_S = 10.0
"""How long `Bench:slow` takes to endorse."""


class Chaincode:
    """`write KEY`, `slow KEY`, and `transfer FROM TO`, which reads and writes both accounts."""

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes | Awaitable[bytes]:
        for account in arguments:
            held = int(state.get(account) or b"0")
            state.put(account, str(held + 1).encode())
        return self._slowly() if function == "Bench:slow" else b"done"

    async def _slowly(self) -> bytes:
        await asyncio.sleep(SLOW_S)
        return b"done"


async def serve(folder: Path, identity: str, block_interval_s: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = SimulatorConfig(
        state=folder / "state",
        wallet=folder / "wallet",
        identities=(IdentityConfig(name=identity, role="gx_admin"),),
        block_interval_s=block_interval_s,
    )
    async with Simulator(config, Chaincode()) as simulator:
        collect_rarely()
        print(simulator.address, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
