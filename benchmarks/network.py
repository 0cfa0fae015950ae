"""A simulated network in a process of its own, with a chaincode of the benchmark's."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from streams.simulator.config import SimulatorConfig
from streams.simulator.process import collect_rarely, gather_network_events
from streams.simulator.server import Simulator


async def serve(config: SimulatorConfig, chaincode: Any, *, own_core: bool = False) -> None:
    """Print the address once it listens; end with SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Simulator(config, chaincode) as simulator:
        collect_rarely()
        if own_core:
            gather_network_events()
        print(simulator.address, flush=True)
        await stop.wait()
