"""A ledger whose identity can be renewed, and a command carried to its end as the worker does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import uniform

from either_network import EitherNetwork
from running_simulator import PARTNER, eventually

from streams.chaincode.roles import ROLE_ATTRIBUTE
from streams.errors import LedgerError
from streams.fabric.gateway import Gateway
from streams.messages import Outcome, RoutedCommand
from streams.retry import Backoff, Meaning, Step, Verdict
from streams.settings import FabricSettings
from streams.simulator.certificates import Credential, write_credential
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event


@dataclass
class Renewable:
    """A ledger whose identity can be renewed, and what its client told."""

    network: EitherNetwork
    settings: FabricSettings
    partner: Gateway
    told: list[tuple[Event, str]] = field(default_factory=list)

    def issue(self, msp_id: str = PARTNER.msp_id, name: str = PARTNER.name, **dates: datetime) -> Credential:
        authority = self.network.authorities[msp_id]
        issuer = authority.certificate
        dates = {"not_before": issuer.not_valid_before_utc, "not_after": issuer.not_valid_after_utc} | dates
        return authority.issue(name, "client", attributes={ROLE_ATTRIBUTE: PARTNER.role}, **dates)

    def renew(self) -> Credential:
        issued = self.issue()
        write_credential(self.settings.wallet, PARTNER.name, issued)
        return issued

    async def renewed(self) -> Credential:
        issued = self.renew()
        await eventually(lambda: self.partner.identity.certificate == issued.certificate_pem)
        return issued


class NeverIll:
    """Every failure is the command's own."""

    def ill(self, step: Step, error: LedgerError) -> bool:
        return False

    def well(self, step: Step) -> None: ...

    def overloaded(self) -> None: ...

    def succeeded(self) -> None: ...


async def carry(gateway: Gateway, command: RoutedCommand, settle_s: float = 0.0) -> Outcome:
    """What the worker does with a command, to its end."""

    async def report(_: Outcome) -> None: ...

    def notice(_: RoutedCommand, error: LedgerError, decision: Verdict) -> None: ...

    backoff = Backoff(base_s=0.05, cap_s=0.2, jitter=uniform)
    surroundings = Surroundings(
        ledger=gateway,
        backoff=backoff,
        conflict_backoff=backoff,
        wait_backoff=backoff,
        max_attempts=100,
        max_tries=100,
        max_refusals=1,
        meaning=lambda _: Meaning.REFUSE,
        health=NeverIll(),
        now=lambda: datetime.now(UTC),
        report=report,
        notice=notice,
        worker="test",
        settle_s=settle_s,
    )
    return (await submit(command, datetime.now(UTC), surroundings, asyncio.sleep)).outcome
