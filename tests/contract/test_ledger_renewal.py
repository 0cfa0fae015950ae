"""A renewed certificate is taken up while transactions are under way, and what was signed before is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import uniform

import pytest
from ledger_commands import Network, applied, create_user, prepare
from running_simulator import IDENTITIES, PARTNER, Running, eventually

from streams.errors import LedgerError
from streams.fabric.gateway import Gateway, connect
from streams.messages import Outcome, OutcomeKind, RoutedCommand
from streams.operations.check import Finding, check_identity
from streams.retry import Backoff, Verdict
from streams.settings import FabricSettings
from streams.simulator.certificates import Credential, write_credential
from streams.simulator.config import SimulatorConfig
from streams.simulator.wallet import ROLE_ATTRIBUTE, network_keys
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event

pytestmark = pytest.mark.needs_simulator("it has certificates issued")


@dataclass
class Renewable:
    """A ledger whose identity can be renewed, and what its client told."""

    running: Running
    settings: FabricSettings
    partner: Gateway
    told: list[tuple[Event, str]] = field(default_factory=list)

    def issue(self, msp_id: str = PARTNER.msp_id, name: str = PARTNER.name, **dates: datetime) -> Credential:
        authority = network_keys(self.running.config.state / "crypto").authorities[msp_id]
        return authority.issue(name, "client", attributes={ROLE_ATTRIBUTE: PARTNER.role}, **dates)

    def renew(self) -> Credential:
        issued = self.issue()
        write_credential(self.settings.wallet, PARTNER.name, issued)
        return issued

    async def renewed(self) -> Credential:
        issued = self.renew()
        await eventually(lambda: self.partner.identity.certificate == issued.certificate_pem)
        return issued


@pytest.fixture
async def renewable(tmp_path: Path) -> AsyncIterator[Renewable]:
    running = Running(SimulatorConfig(state=tmp_path / "state", wallet=tmp_path / "wallet", identities=IDENTITIES))
    await running.start()
    told: list[tuple[Event, str]] = []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(running.stop)
        settings = running.settings(tmp_path)
        ledgers = [
            await stack.enter_async_context(
                connect(settings, one.name, tell=lambda event, text: told.append((event, text)))
            )
            for one in IDENTITIES
        ]
        await prepare(Network(super_admin=ledgers[0], admin=ledgers[1], partner=ledgers[2]))
        ledgers[2].start()
        yield Renewable(running, settings, ledgers[2], told)


async def carry(gateway: Gateway, command: RoutedCommand, settle_s: float = 0.0) -> Outcome:
    """What the worker does with a command, to its end."""

    async def report(_: Outcome) -> None: ...

    def notice(_: RoutedCommand, error: LedgerError, decision: Verdict) -> None: ...

    backoff = Backoff(base_s=0.05, cap_s=0.2, jitter=uniform)
    surroundings = Surroundings(
        ledger=gateway,
        backoff=backoff,
        conflict_backoff=backoff,
        max_attempts=100,
        now=lambda: datetime.now(UTC),
        sleep=asyncio.sleep,
        report=report,
        notice=notice,
        worker="test",
        settle_s=settle_s,
    )
    return (await submit(command, datetime.now(UTC), surroundings)).outcome


def kept(renewable: Renewable) -> list[str]:
    return sorted(file.name for file in renewable.settings.wallet.iterdir() if ".previous-" in file.name)


async def test_a_renewed_certificate_signs_without_a_restart(renewable: Renewable) -> None:
    old = renewable.partner.identity
    await renewable.renewed()
    fresh = create_user()
    committed = await applied(renewable.partner, fresh)
    entry = await renewable.partner.look_up(committed.transaction_id)
    assert entry is not None
    assert renewable.partner.identity.creator != old.creator
    assert kept(renewable) == [f"{PARTNER.name}-cert.previous-1"]
    assert (renewable.settings.wallet / kept(renewable)[0]).read_bytes() == old.certificate
    assert [event for event, _ in renewable.told] == [Event.CERTIFICATE_RENEWED]


async def test_what_is_under_way_ends_with_the_certificate_it_started_with(renewable: Renewable) -> None:
    proposal = renewable.partner.propose(create_user(), 0)
    transaction = await renewable.partner.propose(create_user(), 0).endorse()
    await renewable.renewed()
    assert (await (await transaction.submit()).status()).transaction_id == transaction.transaction_id
    assert (await proposal.endorse()).transaction_id == proposal.transaction_id


async def test_a_command_that_was_committed_before_the_renewal_is_not_applied_again(renewable: Renewable) -> None:
    wanted = create_user()
    before = await applied(renewable.partner, wanted)
    await renewable.renewed()
    assert renewable.partner.propose(wanted, 0).transaction_id != before.transaction_id
    outcome = await carry(renewable.partner, wanted, settle_s=60)
    assert (outcome.kind, outcome.transaction_id) == (OutcomeKind.COMMITTED, before.transaction_id)


async def test_a_process_that_starts_after_the_renewal_finds_what_was_committed_before_it(renewable: Renewable) -> None:
    wanted = create_user()
    before = await applied(renewable.partner, wanted)
    await renewable.partner.stop()  # as if the worker was down when the files were replaced
    renewable.renew()
    async with connect(renewable.settings, PARTNER.name) as restarted:
        outcome = await carry(restarted, wanted, settle_s=60)
        assert (outcome.kind, outcome.transaction_id) == (OutcomeKind.COMMITTED, before.transaction_id)
        restarted.start()
        await eventually(lambda: len(kept(renewable)) == 1)


async def test_an_older_command_that_was_never_submitted_is_carried_out_under_the_new_certificate(
    renewable: Renewable,
) -> None:
    wanted = create_user()
    await renewable.renewed()
    outcome = await carry(renewable.partner, wanted, settle_s=0.2)
    assert (outcome.kind, outcome.transaction_id) == (
        OutcomeKind.COMMITTED,
        renewable.partner.propose(wanted, 0).transaction_id,
    )


async def test_a_fresh_command_is_not_looked_up_although_there_are_earlier_certificates(renewable: Renewable) -> None:
    await renewable.renewed()
    later = datetime.now(UTC) + timedelta(minutes=2)
    assert renewable.partner.propose(create_user(), 0).earlier_ids != ()
    assert renewable.partner.propose(replace(create_user(), created_at=later), 0).earlier_ids == ()


async def test_two_renewals_keep_both_certificates(renewable: Renewable) -> None:
    wanted = create_user()
    before = await applied(renewable.partner, wanted)
    for _ in range(2):
        await renewable.renewed()
    assert kept(renewable) == [f"{PARTNER.name}-cert.previous-{number}" for number in (1, 2)]
    outcome = await carry(renewable.partner, wanted, settle_s=60)
    assert outcome.transaction_id == before.transaction_id


async def test_the_blocks_go_on_over_a_renewal_and_a_restart_of_the_gateway(renewable: Renewable) -> None:
    await renewable.renewed()
    await renewable.running.stop()
    await renewable.running.start()
    committed = await applied(renewable.partner, create_user())
    await eventually(lambda: renewable.partner.blocks.last_block == committed.block_number)


async def test_the_check_tells_a_pair_in_the_wallet_from_the_one_in_use(renewable: Renewable) -> None:
    async def finding() -> Finding:
        return await check_identity(renewable.settings, PARTNER.name)

    certificate_file = renewable.settings.wallet / f"{PARTNER.name}-cert"
    await eventually((renewable.settings.wallet / f"{PARTNER.name}-cert.in-use").exists)
    assert "in use" not in (await finding()).seen
    await renewable.partner.stop()  # nobody takes up what comes now
    renewable.renew()
    waiting = await finding()
    assert waiting.is_ok
    assert f"; {certificate_file} is not in use yet, {PARTNER.name}-cert.in-use is" in waiting.seen
    write_credential(renewable.settings.wallet, PARTNER.name, renewable.issue(name="org1-somebody"))
    refused = await finding()
    assert not refused.is_ok
    assert f"{certificate_file}: the new certificate's common name is org1-somebody" in refused.seen
