"""A simulator or a real network, whichever a test runs on, with what both can be asked to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from native_network import NativeNetwork
from running_simulator import IDENTITIES, Running

from streams.local.fabric.layout import GATEWAY_ORGANISATION
from streams.settings import FabricSettings
from streams.simulator.certificates import Authority
from streams.simulator.config import SimulatorConfig
from streams.simulator.wallet import network_keys


@dataclass(frozen=True, kw_only=True)
class EitherNetwork:
    """`settings` name a wallet of the test's own; `authorities` are those of the organisations, by MSP id."""

    settings: FabricSettings
    authorities: Mapping[str, Authority]
    restart_gateway: Callable[[], Awaitable[None]]


@asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[EitherNetwork]:
    running = Running(SimulatorConfig(state=folder / "state", wallet=folder / "wallet", identities=IDENTITIES))

    async def restart_gateway() -> None:
        await running.stop()
        await running.start()

    await running.start()
    try:
        yield EitherNetwork(
            settings=running.settings(folder),
            authorities=network_keys(running.config.state / "crypto").authorities,
            restart_gateway=restart_gateway,
        )
    finally:
        await running.stop()


def real(native: NativeNetwork, folder: Path) -> EitherNetwork:
    async def restart_gateway() -> None:
        await native.kill(GATEWAY_ORGANISATION.process)

    wallet = copytree(native.settings().wallet, folder / "wallet")
    return EitherNetwork(
        settings=native.settings(wallet=wallet), authorities=native.authorities, restart_gateway=restart_gateway
    )
