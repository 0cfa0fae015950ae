"""A renewed certificate is taken up while transactions are under way, and what was signed before is found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from either_network import EitherNetwork
from ledger_commands import Network, applied, create_user, prepare
from renewable import Renewable, carry
from running_simulator import IDENTITIES, PARTNER, eventually

from streams.errors import EndorseFailed
from streams.fabric.gateway import Gateway, connect
from streams.messages import OutcomeKind, RoutedCommand
from streams.operations.check import Finding, check_identity
from streams.simulator.certificates import write_credential
from streams.telemetry import Event


@pytest.fixture
async def renewable(either: EitherNetwork) -> AsyncIterator[Renewable]:
    told: list[tuple[Event, str]] = []
    async with AsyncExitStack() as stack:
        settings = either.settings
        ledgers = [
            await stack.enter_async_context(
                connect(settings, one.name, tell=lambda event, text: told.append((event, text)))
            )
            for one in IDENTITIES
        ]
        await prepare(Network(super_admin=ledgers[0], admin=ledgers[1], partner=ledgers[2]))
        ledgers[2].start()
        yield Renewable(either, settings, ledgers[2], told)


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
    later = datetime.now(UTC) + timedelta(seconds=renewable.settings.certificate_overlap_s) + timedelta(minutes=2)
    assert renewable.partner.propose(create_user(), 0).earlier_ids != ()
    fresh = replace(create_user(), created_at=later, captured_at=later)
    assert renewable.partner.propose(fresh, 0).earlier_ids == ()
    # A date that a service has put far ahead proves nothing: when the row was captured counts too.
    assert renewable.partner.propose(replace(create_user(), created_at=later), 0).earlier_ids != ()


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
    await renewable.network.restart_gateway()
    committed = await applied(renewable.partner, create_user())
    await eventually(lambda: renewable.partner.blocks.last_block == committed.block_number)


@asynccontextmanager
async def another_process(renewable: Renewable, folder: Path, **changes: object) -> AsyncIterator[Gateway]:
    """Of the same identity, with a wallet of its own that is as the other one is now."""
    wallet = copytree(renewable.settings.wallet, folder / "another-wallet")
    settings = renewable.settings.model_copy(update={"wallet": wallet, **changes})
    async with connect(settings, PARTNER.name) as another:
        another.start()
        yield another


def created_in(command: RoutedCommand, minutes: float) -> RoutedCommand:
    return replace(command, created_at=datetime.now(UTC) + timedelta(minutes=minutes))


async def test_what_a_process_committed_whose_wallet_is_late_is_not_applied_again(
    renewable: Renewable, tmp_path: Path
) -> None:
    """Of two replicas one has renewed, minutes ago; the other still signs with the certificate before, and dies."""
    async with another_process(renewable, tmp_path) as late:
        await renewable.renewed()
        wanted = created_in(create_user(), minutes=4)
        before = await applied(late, wanted)
    # Not left to the chaincode, which would notice too.
    assert renewable.partner.propose(wanted, 0).earlier_ids == (before.transaction_id,)
    outcome = await carry(renewable.partner, wanted, settle_s=60)
    assert (outcome.kind, outcome.transaction_id) == (OutcomeKind.COMMITTED, before.transaction_id)


async def test_a_process_that_refuses_the_renewed_pair_signs_nothing_for_which_the_others_would_not_look(
    renewable: Renewable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.fabric.rotation.REPLACED_WITHIN_S", 0)
    async with another_process(renewable, tmp_path) as refusing:
        renewed = await renewable.renewed()
        wallet = tmp_path / "another-wallet"
        (wallet / f"{PARTNER.name}-cert").write_bytes(renewed.certificate_pem)  # and not its key
        await eventually(lambda: refusing.credentials.signs_until(refusing.identity) is not None)
        half_s = renewable.settings.certificate_overlap_s / 2
        older, younger = (created_in(create_user(), minutes=(half_s + by_s) / 60) for by_s in (-30, 30))
        assert (await applied(refusing, older)).transaction_id in renewable.partner.propose(older, 0).earlier_ids
        with pytest.raises(EndorseFailed, match="signs no command created after") as failed:
            await refusing.propose(younger, 0).endorse()
        assert (failed.value.code, failed.value.refused) == ("IDENTITY_EXPIRED", False)
        write_credential(wallet, PARTNER.name, renewed)
        outcome = await carry(refusing, younger)
        assert outcome.transaction_id == renewable.partner.propose(younger, 0).transaction_id


async def test_what_was_committed_under_a_certificate_that_this_process_refuses_is_found(
    renewable: Renewable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.fabric.rotation.REPLACED_WITHIN_S", 0)
    async with another_process(renewable, tmp_path) as refusing:
        renewed = await renewable.renewed()
        wanted = create_user()
        before = await applied(renewable.partner, wanted)
        (tmp_path / "another-wallet" / f"{PARTNER.name}-cert").write_bytes(renewed.certificate_pem)
        await eventually(lambda: refusing.propose(wanted, 0).earlier_ids != ())
        outcome = await carry(refusing, wanted, settle_s=60)
        assert (outcome.kind, outcome.transaction_id) == (OutcomeKind.COMMITTED, before.transaction_id)


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
