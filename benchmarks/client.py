"""CPU per transaction of the ledger client alone: `make bench-client`.

A closed loop against the simulator in a process of its own; what counts is the CPU time of this process. Every round
measures the client and the bare calls one after the other; the figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.client_bare import BareClient
from benchmarks.client_load import (
    PARTNER,
    SUPER_ADMIN,
    Cost,
    carry,
    closed_loop,
    command,
    prepare,
    proposed_organization,
    simulator,
)
from streams.fabric.connection import open_channel, read_ca_certificates
from streams.fabric.gateway import connect
from streams.fabric.wallet import load_identity
from streams.settings import FabricSettings

GOAL_MS = 0.9
SIGNATURES = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when the client needs more than the goal."""
    given = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_measure(Path(folder), given))
    print(f"{given.in_flight} in flight, {given.transactions} transactions a round, medians of {given.rounds} rounds")
    for name, costs in found.items():
        cpu_ms = [cost.cpu_ms for cost in costs]
        per_second = statistics.median(cost.per_second for cost in costs)
        spread = f"{min(cpu_ms):.3f} to {max(cpu_ms):.3f}"
        print(f"{name:<18}{statistics.median(cpu_ms):6.3f} ms CPU   ({spread}), {per_second:.0f}/s")
    reached = statistics.median(cost.cpu_ms for cost in found["client"])
    print(f"goal: at most {GOAL_MS} ms per transaction: {'reached' if reached <= GOAL_MS else 'missed'}")
    return 0 if reached <= GOAL_MS else 1


async def _measure(folder: Path, given: argparse.Namespace) -> dict[str, list[Cost]]:
    found: dict[str, list[Cost]] = {name: [] for name in ("client", "bare calls", "a unary call", "a signature")}
    async with simulator(folder, given.block_interval_s) as settings:
        async with connect(settings, SUPER_ADMIN) as super_admin, connect(settings, PARTNER) as partner:
            user = await prepare(super_admin, partner)
        for number in range(given.rounds + 1):
            for name, cost in (await _round(settings, user, given)).items():
                if number:  # the first one warms up
                    found[name].append(cost)
    return found


async def _round(settings: FabricSettings, user: str, given: argparse.Namespace) -> dict[str, Cost]:
    size = {"transactions": given.transactions, "in_flight": given.in_flight}
    # Made beforehand: in the line they come out of Kafka.
    calls = [proposed_organization(user) for _ in range(given.transactions)]
    commands = iter([command(*call) for call in calls])
    async with connect(settings, PARTNER) as partner:

        async def by_client() -> None:
            await carry(partner, next(commands))

        client = await closed_loop(by_client, **size)
    identity = load_identity(settings.wallet, PARTNER, settings.msp_id, now=datetime.now(UTC))
    async with open_channel(settings, settings.gateways[0], read_ca_certificates(settings)) as channel:
        bare = BareClient(channel, identity, settings)

        others = iter([proposed_organization(user) for _ in range(given.transactions)])

        async def by_bare_calls() -> None:
            await bare.carry(next(others))

        async with bare.following(datetime.now(UTC)):
            bare_calls = await closed_loop(by_bare_calls, **size)
        unary = await closed_loop(bare.unary_call(), **size)
    started = time.process_time()
    for _ in range(SIGNATURES):
        identity.sign(os.urandom(64))
    each_s = (time.process_time() - started) / SIGNATURES
    signature = Cost(cpu_ms=1000 * each_s, per_second=1 / each_s)
    return {"client": client, "bare calls": bare_calls, "a unary call": unary, "a signature": signature}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transactions", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--block-interval-s", type=float, default=0.2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
