"""What the gateway client keeps on every network that it is given the settings of: the contract, and what a wire adds.

A test class takes `GatewayContract` as its base and gives the fixture `settings`: a channel with the reference
chaincode, which every organisation of `endorsing_orgs` must endorse, and a wallet with the three identities.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from ledger_commands import Network, applied, command, create_user, new_user, prepare
from ledger_contract import LedgerContract
from running_simulator import ADMIN, PARTNER, SUPER_ADMIN, eventually

from streams.errors import CommitRejected, CredentialsInvalid, EndorseFailed
from streams.fabric.gateway import Gateway, connect
from streams.settings import FabricSettings


@asynccontextmanager
async def clients(settings: FabricSettings) -> AsyncIterator[Network]:
    """The three identities, connected to a prepared channel."""
    async with AsyncExitStack() as stack:
        super_admin, admin, partner = [
            await stack.enter_async_context(connect(settings, one.name)) for one in (SUPER_ADMIN, ADMIN, PARTNER)
        ]
        made = Network(super_admin=super_admin, admin=admin, partner=partner)
        await prepare(made)
        yield made


def changed(settings: FabricSettings, **changes: object) -> FabricSettings:
    return FabricSettings.model_validate(settings.model_dump() | changes)


class GatewayContract(LedgerContract):
    """The contract, and what only a gateway has."""

    @pytest.fixture
    async def network(self, settings: FabricSettings) -> AsyncIterator[Network]:
        async with clients(settings) as made:
            yield made

    @pytest.fixture
    def partner(self, network: Network) -> Gateway:
        assert isinstance(network.partner, Gateway)
        return network.partner

    async def test_the_gateway_accepts_the_identity(self, partner: Gateway) -> None:
        assert await partner.height() >= 3

    async def test_a_new_process_has_the_same_transaction_ids(self, settings: FabricSettings, partner: Gateway) -> None:
        wanted = create_user()
        async with connect(settings, PARTNER.name) as another:
            assert another.propose(wanted, 3).transaction_id == partner.propose(wanted, 3).transaction_id

    async def test_every_organisation_endorses_when_none_is_named(
        self, settings: FabricSettings, network: Network
    ) -> None:
        async with connect(changed(settings, endorsing_orgs=()), PARTNER.name) as ledger:
            committed = await applied(ledger, create_user())
            found = [
                e for e in await ledger.block(committed.block_number) if e.transaction_id == committed.transaction_id
            ]
        assert [entry.code for entry in found] == ["VALID"]
        for msp_id in settings.endorsing_orgs:
            assert msp_id.encode() in found[0].payload

    async def test_one_endorsement_is_not_enough(self, settings: FabricSettings, network: Network) -> None:
        async with connect(changed(settings, endorsing_orgs=(settings.msp_id,)), PARTNER.name) as ledger:
            commit = await (await ledger.propose(create_user(), 0).endorse()).submit()
            with pytest.raises(CommitRejected) as rejected:
                await commit.status()
        assert rejected.value.code == "ENDORSEMENT_POLICY_FAILURE"

    async def test_without_named_organisations_a_refusal_is_the_same(
        self, settings: FabricSettings, network: Network
    ) -> None:
        async with connect(changed(settings, endorsing_orgs=()), PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.propose(command("AdminContract:PauseSystem", "a reason"), 0).endorse()
        assert (failed.value.code, failed.value.refused) == ("CHAINCODE_REFUSED", True)

    async def test_commits_are_read_from_the_blocks_without_a_look_up(
        self, network: Network, partner: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await new_user(network)

        async def refuse(*_: object) -> None:
            raise AssertionError("looked up")

        monkeypatch.setattr("streams.fabric.steps.look_up", refuse)
        committed = await applied(partner, create_user())
        assert partner.blocks.last_block is not None
        assert partner.blocks.last_block >= committed.block_number

    async def test_the_client_tells_how_far_behind_the_chain_it_is(
        self, partner: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("streams.fabric.height.ASKED_EVERY_S", 0.05)
        committed = await applied(partner, create_user())
        await eventually(lambda: (partner.blocks._height or 0) > committed.block_number)
        await eventually(lambda: partner.blocks.behind == 0)
        partner.blocks.last_block = committed.block_number - 2
        assert (partner.blocks.behind or 0) >= 2

    async def test_nothing_is_remembered_of_what_has_ended(self, partner: Gateway) -> None:
        for _ in range(5):
            await applied(partner, create_user())
        assert partner.waiting == 0

    @pytest.mark.parametrize("named", [True, False], ids=["organisation named", "no organisation named"])
    @pytest.mark.parametrize("change", ["chaincode", "channel"])
    async def test_a_wrong_configuration_fails_no_command(
        self, settings: FabricSettings, change: str, named: bool
    ) -> None:
        """Of an unknown chaincode a gateway often says no more than that it has no peer for it."""
        wrong = changed(settings, **{change: "nope", "endorsing_orgs": (settings.msp_id,) if named else ()})
        async with connect(wrong, PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.propose(create_user(), 0).endorse()
        assert failed.value.code in {"UNKNOWN_CHAINCODE", "PEER_UNAVAILABLE"}
        assert not failed.value.refused

    async def test_a_name_that_is_not_in_the_certificate_is_a_tls_failure(self, settings: FabricSettings) -> None:
        async with connect(changed(settings, server_name="other.example.com"), PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.height()
        assert (failed.value.code, failed.value.refused) == ("TLS", False)

    async def test_a_gateway_of_another_authority_is_a_tls_failure(self, settings: FabricSettings) -> None:
        strange = changed(settings, tls_ca_file=settings.wallet / f"{PARTNER.name}-cert")
        async with connect(strange, PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.height()
        assert failed.value.code == "TLS"

    async def test_an_organisation_that_does_not_know_the_identity_fails_no_command(
        self, settings: FabricSettings
    ) -> None:
        async with connect(changed(settings, msp_id="Org2MSP"), PARTNER.name) as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.propose(create_user(), 0).endorse()
            assert (failed.value.code, failed.value.refused) == ("ACCESS_DENIED", False)

    @pytest.mark.parametrize("content", [None, b"junk"])
    async def test_a_ca_file_that_cannot_be_used_is_named(
        self, settings: FabricSettings, tmp_path: Path, content: bytes | None
    ) -> None:
        file = tmp_path / "ca"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CredentialsInvalid, match=str(file)):
            async with connect(changed(settings, tls_ca_file=file), PARTNER.name):
                pass
