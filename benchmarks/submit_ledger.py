"""A simulated network whose chaincode does as little as a scenario of `benchmarks.submit` needs.

    python -m benchmarks.submit_ledger FOLDER IDENTITY BLOCK_INTERVAL_S BLOCK_SIZE

Prints the address once it listens; ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path

from benchmarks.network import serve
from streams.chaincode.state import State
from streams.simulator.config import IdentityConfig, SimulatorConfig

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


if __name__ == "__main__":
    folder, identity = Path(sys.argv[1]), sys.argv[2]
    config = SimulatorConfig(
        state=folder / "state",
        wallet=folder / "wallet",
        identities=(IdentityConfig(name=identity, role="gx_admin"),),
        block_interval_s=float(sys.argv[3]),
        block_max_messages=int(sys.argv[4]),
    )
    asyncio.run(serve(config, Chaincode()))
