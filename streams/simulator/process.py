"""The simulator as a process of its own: starts, says where it is, runs until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import load_roles
from streams.simulator.config import CONTROL_FILE, SimulatorConfig
from streams.simulator.control import Control
from streams.simulator.server import Simulator

_ALLOCATIONS_PER_COLLECTION = 50_000


def run(config: SimulatorConfig, roles: str, control: str | None = None, *, own_core: bool = False) -> None:
    """Serve the reference chaincode with this map of roles until SIGTERM or SIGINT.

    Standard output gets `listening on HOST:PORT` once clients can connect, then a line for each further address. With
    `control`, faults can be put in force there; for `own_core` see `gather_network_events`. Raises StackFailed,
    CredentialsInvalid, OSError.
    """
    asyncio.run(_run(config, ReferenceChaincode(load_roles(roles)), control, own_core))


async def _run(config: SimulatorConfig, chaincode: ReferenceChaincode, control: str | None, own_core: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(config, chaincode))
        collect_rarely()
        if own_core:
            gather_network_events()
        url = ""
        if control is not None:
            url = stack.enter_context(Control(simulator, control)).url
            stack.enter_context(_written(config.state / CONTROL_FILE, url))
        print(f"listening on {simulator.address}", flush=True)
        if simulator.org2_address:
            print(f"peer of Org2MSP on {simulator.org2_address}", flush=True)
        if simulator.orderer_address:
            print(f"orderer on {simulator.orderer_address}", flush=True)
        if url:
            print(f"control on {url}", flush=True)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, simulator.committing}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()


def collect_rarely() -> None:
    """Blocks, state and index only grow, so looking through them for garbage finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, 50, 1000)


def gather_network_events() -> None:
    """Let gRPC's threads run only when the loop pauses, for a process that has a core to itself (Linux only).

    On one core, every event of gRPC interrupts the loop, about 15 times per transaction; gathered, a transaction costs
    a fifth less. Where other processes want the core too, these threads would starve: so it is a choice.
    """
    if sys.platform != "linux":
        return
    for thread in os.listdir("/proc/self/task"):
        if int(thread) != threading.get_native_id():
            os.sched_setscheduler(int(thread), os.SCHED_IDLE, os.sched_param(0))


@contextlib.contextmanager
def _written(path: Path, url: str) -> Iterator[None]:
    """The file appears whole: whoever sees it may read it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(url + "\n")
    unfinished.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
