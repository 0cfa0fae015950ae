"""The ledger in memory keeps the contract, and its switches do what they say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ledger_commands import Network, create_user, prepare
from ledger_contract import LedgerContract

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import load_roles
from streams.errors import CommitUnknown, EndorseFailed, SubmitFailed
from streams.fabric.fake import FakeLedger
from streams.fabric.fake_network import FakeNetwork

ROLES = {"super-admin": "gx_super_admin", "admin": "gx_admin", "partner": "gx_partner_api"}


@pytest.fixture
def fake() -> FakeNetwork:
    return FakeNetwork(
        ReferenceChaincode(load_roles("operations")), ROLES, now=lambda: datetime.now(UTC), commit_timeout_s=0.05
    )


@pytest.fixture
async def network(fake: FakeNetwork) -> Network:
    super_admin, admin, partner = (FakeLedger(fake, identity) for identity in ROLES)
    made = Network(super_admin=super_admin, admin=admin, partner=partner)
    await prepare(made)
    return made


class TestFakeLedger(LedgerContract):
    async def test_a_lost_answer_may_hide_a_commit(self, network: Network, fake: FakeNetwork) -> None:
        transaction = await network.partner.propose(create_user(), 0).endorse()
        fake.faults.loses_answers = True
        with pytest.raises(SubmitFailed) as failed:
            await transaction.submit()
        assert failed.value.may_be_on_ledger
        assert await network.partner.look_up(transaction.transaction_id) is not None

    async def test_a_lost_envelope_leaves_the_status_unknown_until_it_is_submitted_again(
        self, network: Network, fake: FakeNetwork
    ) -> None:
        transaction = await network.partner.propose(create_user(), 0).endorse()
        fake.faults.loses_envelopes = True
        with pytest.raises(CommitUnknown):
            await (await transaction.submit()).status()
        fake.faults.loses_envelopes = False
        assert (await (await transaction.submit()).status()).block_number == len(fake.blocks) - 1

    async def test_a_ledger_that_is_down_fails_no_command(self, network: Network, fake: FakeNetwork) -> None:
        transaction = await network.partner.propose(create_user(), 0).endorse()
        fake.faults.is_down = True
        with pytest.raises(EndorseFailed) as not_endorsed:
            await network.partner.propose(create_user(), 0).endorse()
        assert not not_endorsed.value.refused
        with pytest.raises(SubmitFailed) as not_submitted:
            await transaction.submit()
        assert not not_submitted.value.may_be_on_ledger
        assert not not_submitted.value.refused
        with pytest.raises(CommitUnknown):
            await network.partner.look_up(transaction.transaction_id)

    async def test_transactions_wait_for_their_block(self, network: Network, fake: FakeNetwork) -> None:
        fake.cuts_at_once = False
        commit = await (await network.partner.propose(create_user(), 0).endorse()).submit()
        with pytest.raises(CommitUnknown):
            await commit.status()
        fake.cut_block()
        assert (await commit.status()).block_number == len(fake.blocks) - 1

    async def test_a_renewed_certificate_has_other_ids_and_knows_the_earlier_ones(
        self, network: Network, fake: FakeNetwork
    ) -> None:
        wanted = create_user()
        before = network.partner.propose(wanted, 0).transaction_id
        assert isinstance(network.partner, FakeLedger)
        network.partner.renew()
        renewed = network.partner.propose(wanted, 0)
        assert renewed.transaction_id != before
        assert renewed.earlier_ids == (before,)
        assert network.partner.propose(create_user(), 0).earlier_ids == ()
