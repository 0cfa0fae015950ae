"""The gateway client against the simulator, over TLS and the real protocol: the contract, and what a wire adds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_commands import Network, applied, command, create_user, new_user, prepare
from ledger_contract import LedgerContract
from running_simulator import ADMIN, IDENTITIES, PARTNER, SUPER_ADMIN, Running, eventually, until_it_answers

from streams.errors import CommitUnknown, CredentialsInvalid, EndorseFailed, SubmitFailed
from streams.fabric.gateway import Gateway, connect
from streams.ledger import VALID
from streams.settings import FabricSettings
from streams.simulator.config import SimulatorConfig


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(SimulatorConfig(state=tmp_path / "state", wallet=tmp_path / "wallet", identities=IDENTITIES))
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def settings(simulator: Running, tmp_path: Path) -> FabricSettings:
    return simulator.settings(tmp_path)


@pytest.fixture
async def network(settings: FabricSettings) -> AsyncIterator[Network]:
    async with (
        connect(settings, SUPER_ADMIN.name) as super_admin,
        connect(settings, ADMIN.name) as admin,
        connect(settings, PARTNER.name) as partner,
    ):
        made = Network(super_admin=super_admin, admin=admin, partner=partner)
        await prepare(made)
        yield made


@pytest.fixture
def partner(network: Network) -> Gateway:
    assert isinstance(network.partner, Gateway)
    return network.partner


class TestSimulatedLedger(LedgerContract):
    """The contract, and what only a gateway has."""

    async def test_the_gateway_accepts_the_identity(self, partner: Gateway) -> None:
        assert await partner.height() >= 3

    async def test_a_new_process_has_the_same_transaction_ids(self, settings: FabricSettings, partner: Gateway) -> None:
        wanted = create_user()
        async with connect(settings, PARTNER.name) as another:
            assert another.propose(wanted, 3).transaction_id == partner.propose(wanted, 3).transaction_id

    async def test_commits_are_read_from_the_blocks_without_a_look_up(
        self, network: Network, partner: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await new_user(network)

        async def refuse(*_: object) -> None:
            raise AssertionError("looked up")

        monkeypatch.setattr("streams.fabric.steps.look_up", refuse)
        committed = await applied(partner, create_user())
        assert partner.blocks.last_block == committed.block_number

    async def test_the_blocks_go_on_after_a_restart_of_the_gateway(
        self, simulator: Running, partner: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = await applied(partner, create_user())
        await simulator.stop()
        await eventually(lambda: not partner.blocks.is_live)
        await simulator.start()
        await until_it_answers(partner.height)
        after = await applied(partner, create_user())
        await eventually(lambda: partner.blocks.is_live)
        assert partner.blocks.last_block == after.block_number == before.block_number + 1

    async def test_a_commit_during_an_interruption_is_learned_after_it(
        self, simulator: Running, partner: Gateway
    ) -> None:
        await simulator.stop()
        await simulator.start(block_interval_s=3600)
        await until_it_answers(partner.height)
        commit = await (await partner.propose(create_user(), 0).endorse()).submit()
        await eventually(lambda: partner.blocks.is_live)
        waiting = asyncio.create_task(commit.status())
        await simulator.stop()  # what it took becomes its last block, after the last answer
        await eventually(lambda: "failed to connect" in (partner.blocks.last_interruption or ""))
        assert not waiting.done()
        await simulator.start()
        committed = await waiting
        entry = await partner.look_up(commit.transaction_id)
        assert entry is not None
        assert (entry.code, entry.block_number) == (VALID, committed.block_number)

    async def test_of_two_envelopes_of_one_id_in_a_block_the_valid_one_counts(
        self, simulator: Running, partner: Gateway, tmp_path: Path
    ) -> None:
        """The index of a peer shows the first one, which lacks an endorsement."""
        await simulator.stop()
        await simulator.start(block_interval_s=0.5)
        await until_it_answers(partner.height)
        wanted = create_user()
        async with connect(simulator.settings(tmp_path, endorsing_orgs="Org1MSP"), PARTNER.name) as hasty:
            transactions = [await ledger.propose(wanted, 0).endorse() for ledger in (hasty, partner)]
            commits = [await transaction.submit() for transaction in transactions]
            blocks = {(await commit.status()).block_number for commit in commits}
        entry = await partner.look_up(transactions[0].transaction_id)
        assert entry is not None
        assert (entry.code, {entry.block_number}) == (VALID, blocks)

    async def test_a_transaction_that_was_submitted_before_a_restart_can_be_submitted_after_it(
        self, simulator: Running, partner: Gateway
    ) -> None:
        transaction = await partner.propose(create_user(), 0).endorse()
        first = await (await transaction.submit()).status()
        await simulator.stop()
        await simulator.start()
        await until_it_answers(partner.height)
        assert (await (await transaction.submit()).status()).block_number == first.block_number

    async def test_a_gateway_that_is_down_fails_no_command(self, simulator: Running, partner: Gateway) -> None:
        transaction = await partner.propose(create_user(), 0).endorse()
        await simulator.stop()
        with pytest.raises(EndorseFailed) as not_endorsed:
            await partner.propose(create_user(), 0).endorse()
        assert (not_endorsed.value.code, not_endorsed.value.refused) == ("PEER_UNAVAILABLE", False)
        with pytest.raises(SubmitFailed) as not_submitted:
            await transaction.submit()
        assert (not_submitted.value.code, not_submitted.value.refused) == ("PEER_UNAVAILABLE", False)
        with pytest.raises(CommitUnknown) as not_found:
            await partner.look_up(transaction.transaction_id)
        assert not_found.value.code == "PEER_UNAVAILABLE"

    async def test_what_is_in_no_block_in_time_is_unknown(self, simulator: Running, tmp_path: Path) -> None:
        await simulator.stop()
        await simulator.start(block_interval_s=3600)
        async with connect(simulator.settings(tmp_path, commit_timeout_s=0.1), SUPER_ADMIN.name) as ledger:
            commit = await (await ledger.propose(command("AdminContract:BootstrapSystem"), 0).endorse()).submit()
            with pytest.raises(CommitUnknown) as unknown:
                await commit.status()
        assert unknown.value.code == "NOT_IN_A_BLOCK"

    async def test_waiting_for_a_block_takes_no_slot_of_the_gateway(self, simulator: Running, tmp_path: Path) -> None:
        await simulator.stop()
        simulator.config = replace(simulator.config, gateway_limit=2)
        await simulator.start(block_interval_s=3600)
        async with connect(simulator.settings(tmp_path), SUPER_ADMIN.name) as ledger:
            wanted = command("AdminContract:BootstrapSystem")
            commits = [await (await ledger.propose(wanted, attempt).endorse()).submit() for attempt in range(10)]
            waiting = [asyncio.create_task(commit.status()) for commit in commits]
            await eventually(lambda: ledger.blocks.is_live)
            assert await ledger.height() == 1
            await ledger.propose(wanted, 99).endorse()
            assert not any(one.done() for one in waiting)
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)

    async def test_the_client_tells_how_far_behind_the_chain_it_is(
        self, partner: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("streams.fabric.height.ASKED_EVERY_S", 0.05)
        committed = await applied(partner, create_user())
        await eventually(lambda: partner.blocks.behind == 0)
        partner.blocks.last_block = committed.block_number - 2
        assert partner.blocks.behind == 2

    async def test_nothing_is_remembered_of_what_has_ended(self, partner: Gateway) -> None:
        for _ in range(5):
            await applied(partner, create_user())
        assert partner.waiting == 0

    @pytest.mark.parametrize("orgs", ["", "Org1MSP"])
    @pytest.mark.parametrize("change", ["chaincode", "channel"])
    async def test_a_wrong_configuration_fails_no_command(
        self, simulator: Running, tmp_path: Path, change: str, orgs: str
    ) -> None:
        """Of an unknown chaincode a gateway often says no more than that it has no peer for it."""
        wrong = simulator.settings(tmp_path, **{change: "nope", "endorsing_orgs": orgs})
        async with connect(wrong, PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.propose(create_user(), 0).endorse()
        assert failed.value.code in {"UNKNOWN_CHAINCODE", "PEER_UNAVAILABLE"}
        assert not failed.value.refused

    async def test_a_name_that_is_not_in_the_certificate_is_a_tls_failure(
        self, simulator: Running, tmp_path: Path
    ) -> None:
        async with connect(simulator.settings(tmp_path, server_name="other.example.com"), PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.height()
        assert (failed.value.code, failed.value.refused) == ("TLS", False)

    async def test_a_gateway_of_another_authority_is_a_tls_failure(self, simulator: Running, tmp_path: Path) -> None:
        strange = simulator.settings(tmp_path, tls_ca_file=simulator.config.wallet / f"{PARTNER.name}-cert")
        async with connect(strange, PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.height()
        assert failed.value.code == "TLS"

    async def test_an_organisation_that_does_not_know_the_identity_fails_no_command(
        self, simulator: Running, tmp_path: Path
    ) -> None:
        async with connect(simulator.settings(tmp_path, msp_id="Org2MSP"), PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.propose(create_user(), 0).endorse()
            assert (failed.value.code, failed.value.refused) == ("ACCESS_DENIED", False)

    @pytest.mark.parametrize("content", [None, b"junk"])
    async def test_a_ca_file_that_cannot_be_used_is_named(
        self, simulator: Running, tmp_path: Path, content: bytes | None
    ) -> None:
        file = tmp_path / "ca"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CredentialsInvalid, match=str(file)):
            async with connect(simulator.settings(tmp_path, tls_ca_file=file), PARTNER.name):
                pass
