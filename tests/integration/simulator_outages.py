"""A network that gives up soon, and what its parts say when another part is down or slow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from simulator_client import Running, running
from simulator_member import SignedProposal

TIMED_OUT = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"


@asynccontextmanager
async def impatient(folder: Path) -> AsyncIterator[Running]:
    """Time-outs short enough to wait for."""
    times = {"endorsement_timeout_s": 0.2, "broadcast_timeout_s": 0.2, "chaincode_timeout_s": 0.5}
    async with running(folder, **times) as started:
        yield started


def refused_connection(address: str) -> str:
    return (
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
        f'dial tcp {address}: connect: connection refused"'
    )


def proposal(network: Running) -> SignedProposal:
    return network.client.member.propose("write", "a", "1")
