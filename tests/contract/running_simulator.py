"""A simulator that tests can stop and start again, and waiting for what it brings about."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import load_roles
from streams.errors import EndorseFailed
from streams.fabric.ids import create_secret
from streams.settings import FabricSettings
from streams.simulator.config import IdentityConfig, SimulatorConfig
from streams.simulator.server import Simulator

SUPER_ADMIN, ADMIN, PARTNER = IDENTITIES = (
    IdentityConfig(name="org1-super-admin", role="gx_super_admin"),
    IdentityConfig(name="org1-admin", role="gx_admin"),
    IdentityConfig(name="org1-partner-api", role="gx_partner_api"),
)


@dataclass
class Running:
    """A simulator that can be stopped and started again where it was."""

    config: SimulatorConfig
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start(self, block_interval_s: float = 0.02) -> None:
        self.config = replace(self.config, block_interval_s=block_interval_s)
        simulator = Simulator(self.config, ReferenceChaincode(load_roles("operations")))
        await self.stack.enter_async_context(simulator)
        self.config = replace(self.config, listen=simulator.address)

    async def stop(self) -> None:
        await self.stack.aclose()

    def settings(self, folder: Path, **changes: object) -> FabricSettings:
        create_secret(folder / "nonce-secret")
        return FabricSettings.model_validate(
            {
                "gateway": self.config.listen,
                "tls_ca_file": self.config.wallet / "tlsca-cert",
                "wallet": self.config.wallet,
                "nonce_secret_file": folder / "nonce-secret",
                "commit_timeout_s": 20,
            }
            | changes
        )


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (the stream has no event for it)
            await asyncio.sleep(0.01)


async def until_it_answers(question: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await question()
            except EndorseFailed:
                await asyncio.sleep(0.05)
            else:
                return
