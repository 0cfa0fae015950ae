"""A simulator in a process of its own, and transactions that do not conflict, for `benchmarks.client`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from streams.fabric.gateway import Gateway
from streams.fabric.ids import create_secret
from streams.messages import Origin, RoutedCommand
from streams.settings import FabricSettings

PARTNER, SUPER_ADMIN = "org1-partner-api", "org1-super-admin"
READY_TIMEOUT_S = 30.0


@contextlib.asynccontextmanager
async def simulator(folder: Path, block_interval_s: float) -> AsyncIterator[FabricSettings]:
    """Settings of a simulator that runs as a child process."""
    roles = {PARTNER: "gx_partner_api", SUPER_ADMIN: "gx_super_admin"}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.simulator"),
        *("--state", str(folder / "state"), "--wallet", str(folder / "wallet")),
        *("--block-interval-s", str(block_interval_s)),
        *(part for name, role in roles.items() for part in ("--identity", f"{name}={role}")),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        said = await asyncio.wait_for(child.stdout.readline(), READY_TIMEOUT_S)
        create_secret(folder / "nonce-secret")
        yield FabricSettings(
            gateway=said.decode().split()[-1],
            tls_ca_file=folder / "wallet" / "tlsca-cert",
            wallet=folder / "wallet",
            nonce_secret_file=folder / "nonce-secret",
        )
    finally:
        child.terminate()
        await child.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one transaction took: CPU of this process, milliseconds, and how many were done per second."""

    cpu_ms: float
    per_second: float


async def closed_loop(one: Callable[[], Awaitable[None]], *, transactions: int, in_flight: int) -> Cost:
    """`in_flight` workers, each starting its next as soon as its last is done."""
    left = iter(range(transactions))

    async def work() -> None:
        for _ in left:
            await one()

    wall_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return Cost(cpu_ms=1000 * cpu_s / transactions, per_second=transactions / wall_s)


async def prepare(super_admin: Gateway, partner: Gateway) -> str:
    """A running system with one user; returns the user."""
    user = f"MY-{uuid4().hex}"
    await carry(super_admin, command("AdminContract:BootstrapSystem"))
    await carry(
        super_admin, command("AdminContract:InitializeCountryData", '[{"countryCode":"MY","percentage":0.004}]')
    )
    await carry(partner, command("IdentityContract:CreateUser", user, "ab" * 32, "MY", "30"))
    return user


def proposed_organization(stakeholder: str) -> tuple[str, ...]:
    """A call that writes one key of its own: no two of them conflict."""
    return (
        "OrganizationContract:ProposeOrganization",
        f"ORG-{uuid4().hex}",
        "An organization",
        "SME",
        f'["{stakeholder}"]',
    )


def command(function: str, *arguments: str) -> RoutedCommand:
    """A command as the routing stage would hand it on."""
    now = datetime.now(UTC)
    contract, name = function.split(":")
    return RoutedCommand(
        command_id=str(uuid4()),
        tenant_id="benchmark",
        command_type="BENCHMARK",
        request_id="benchmark",
        identity=PARTNER,
        contract=contract,
        function=name,
        arguments=arguments,
        ordering_key="key",
        created_at=now,
        captured_at=now,
        routed_at=now,
        captured_from=Origin(topic="benchmark", partition=0, offset=0),
    )


async def carry(ledger: Gateway, wanted: RoutedCommand) -> None:
    """One transaction to its block. Raises LedgerError."""
    transaction = await ledger.propose(wanted, 0).endorse()
    await (await transaction.submit()).status()
