"""Commands for a ledger with the reference chaincode, and the patience to carry them out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

from streams.errors import AlreadyApplied, CommitRejected, DuplicateTransaction, EndorseFailed, SubmitFailed
from streams.ledger import Committed, Ledger, Transaction
from streams.messages import Origin, RoutedCommand

GRANT_AT_LEAST = 1_000_000
MVCC = "MVCC_READ_CONFLICT"
BOOTSTRAPPED = "system is already bootstrapped"


class EvaluatingLedger(Ledger, Protocol):
    """A ledger that also answers questions."""

    async def evaluate(self, function: str, arguments: Sequence[str]) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Network:
    """One channel, seen by the three identities."""

    super_admin: EvaluatingLedger
    admin: EvaluatingLedger
    partner: EvaluatingLedger


def command(function: str, *arguments: str, command_id: str | None = None, revision: int = 0) -> RoutedCommand:
    """A command as the routing stage would hand it on."""
    now = datetime.now(UTC)
    contract, name = function.split(":")
    return RoutedCommand(
        command_id=command_id or str(uuid4()),
        tenant_id="tenant",
        command_type="CONTRACT_TEST",
        request_id="request",
        identity="by the ledger that is asked",
        contract=contract,
        function=name,
        arguments=arguments,
        ordering_key="key",
        revision=revision,
        created_at=now,
        captured_at=now,
        routed_at=now,
        captured_from=Origin(topic="topic", partition=0, offset=0),
    )


def create_user() -> RoutedCommand:
    """Reads and writes counters that every such command reads and writes: two of them in flight conflict."""
    return command("IdentityContract:CreateUser", f"MY-{uuid4().hex}", "ab" * 32, "MY", "30")


def transfer(payer: str, payee: str, amount: int, remark: str = "for the test") -> RoutedCommand:
    return command("TokenomicsContract:TransferWithFees", payer, payee, str(amount), "P2P", remark, "")


async def applied(ledger: Ledger, wanted: RoutedCommand) -> Committed:
    """Carry a command to its block, patiently: a peer may lag behind, and earlier commands may conflict."""
    attempt, transaction = 0, None
    async with asyncio.timeout(30):
        while True:
            try:
                transaction = transaction or await endorsed(ledger, wanted, attempt)
                return await (await transaction.submit()).status()
            except CommitRejected as rejected:
                if rejected.code != MVCC:
                    raise
                attempt, transaction = attempt + 1, None
            except SubmitFailed as failed:
                if failed.refused:
                    raise
                await asyncio.sleep(0.05)


async def endorsed(ledger: Ledger, wanted: RoutedCommand, attempt: int = 0) -> Transaction:
    """An endorsement; in a real network a peer may lag behind for a moment, and the others disagree with it."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await ledger.propose(wanted, attempt).endorse()
            except EndorseFailed as failed:
                if failed.refused:
                    raise
                await asyncio.sleep(0.05)


async def prepare(network: Network) -> None:
    """A running system with one country; what somebody did earlier, here or elsewhere, is not done again."""
    for name, arguments in (
        ("BootstrapSystem", ()),
        ("InitializeCountryData", (json.dumps([{"countryCode": "MY", "percentage": 0.004}]),)),
    ):
        wanted = command(f"AdminContract:{name}", *arguments, command_id=f"contract-{name}")
        try:
            await applied(network.super_admin, wanted)
        except (DuplicateTransaction, AlreadyApplied):
            continue
        except EndorseFailed as failed:
            if str(failed) != BOOTSTRAPPED:
                raise


async def new_user(network: Network) -> str:
    """A user with money."""
    wanted = create_user()
    await applied(network.partner, wanted)
    assert await balance(network, wanted.arguments[0]) >= GRANT_AT_LEAST
    return wanted.arguments[0]


async def balance(network: Network, account: str) -> int:
    return int(json.loads(await network.partner.evaluate("TokenomicsContract:GetBalance", (account,))))
