"""What is ordered, what becomes of it in a block, and who finds it there: the same on every network."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2
from simulator_answers import MSP1, MSP2, result_of
from simulator_client import CHANNEL, NEWEST, OLDEST
from wire_network import Wire, WireNetwork, create_user, entries, new_id, refused_by_own, refused_by_remote, said

from streams.simulator.blocks import header_hash
from streams.simulator.proposals import prepare_transaction, read_proposal
from streams.simulator.transactions import read_claim

TOTAL_SUPPLY = ("TokenomicsContract:GetTotalSupply",)
"""Reads the range of all accounts; as a transaction it writes nothing and announces nothing."""
IN_ONE_BLOCK_WITHIN = 20
"""So many pairs are submitted before one of them must have shared a block."""


class WireOrderingContract(WireNetwork):
    """Many of these leave transactions in the blocks."""

    async def test_a_call_is_endorsed_ordered_committed_and_then_seen(self, wire: Wire) -> None:
        """The request names another transaction id than the header: nobody looks at it."""
        user_id = new_id()
        transaction_id, envelope = await wire.endorsed(*create_user(user_id))
        assert (result_of(envelope).status, user_id.encode() in result_of(envelope).payload) == (200, True)
        await wire.client.submit(envelope)
        code, number = await wire.client.status(transaction_id)
        assert (code, number > 0) == ("VALID", True)
        assert await wire.exists(user_id)

    async def test_an_endorsement_is_not_signed_by_the_gateway(self, wire: Wire) -> None:
        assert (await wire.client.endorse(wire.client.member.propose(*TOTAL_SUPPLY))).signature == b""

    async def test_a_status_may_be_asked_for_before_the_transaction_exists(self, wire: Wire) -> None:
        proposal = wire.client.member.propose(*create_user())
        waiting = asyncio.create_task(wire.client.status(proposal.transaction_id))
        await wire.client.submit(wire.client.member.sign(await wire.client.endorse(proposal)))
        assert (await waiting)[0] == "VALID"

    async def test_a_block_is_found_by_number_hash_and_transaction_by_any_member(self, wire: Wire) -> None:
        transaction_id, envelope = await wire.endorsed(*create_user())
        await wire.client.submit(envelope)
        _, number = await wire.client.status(transaction_id)
        other = wire.issued(MSP2)
        info = ledger_pb2.BlockchainInfo.FromString(await other.query("GetChainInfo", CHANNEL))
        found = [
            common_pb2.Block.FromString(await other.query(function, CHANNEL, argument))
            for function, argument in (
                ("GetBlockByNumber", str(number)),
                ("GetBlockByTxID", transaction_id),
                ("GetBlockByHash", info.currentBlockHash),
            )
        ]
        assert found == [found[0]] * 3
        assert (info.height, found[0].header.number) == (number + 1, number)
        assert header_hash(found[0].header) == info.currentBlockHash
        whole = transaction_pb2.ProcessedTransaction.FromString(
            await other.query("GetTransactionByID", CHANNEL, transaction_id)
        )
        assert (whole.transactionEnvelope, whole.validationCode) == (envelope, 0)

    async def test_an_old_proposal_is_accepted(self, wire: Wire) -> None:
        proposal = wire.client.member.propose(*create_user(), sent_at=datetime.now(UTC) - timedelta(hours=1))
        await wire.client.submit(wire.client.member.sign(await wire.client.endorse(proposal)))
        assert (await wire.client.status(proposal.transaction_id))[0] == "VALID"

    async def test_a_client_of_the_other_organisation_is_served_alike(self, wire: Wire) -> None:
        other, user_id = wire.issued(MSP2), new_id()
        transaction_id, envelope = await wire.endorsed(*create_user(user_id), by=other)
        async with other.stream(NEWEST) as stream:
            await other.submit(envelope)
            assert [code for _, code in await entries(stream, transaction_id, 1)] == ["VALID"]
        assert (await other.status(transaction_id))[0] == "VALID"
        assert user_id.encode() in await other.ask("IdentityContract:GetUser", user_id)

    async def test_an_envelope_submitted_again_is_ordered_again_but_applied_once(self, wire: Wire) -> None:
        transaction_id, envelope = await wire.endorsed(*create_user())
        async with wire.client.stream(NEWEST) as stream:
            await wire.client.submit(envelope)
            await wire.client.submit(envelope)
            found = await entries(stream, transaction_id, 2)
            await wire.client.submit(envelope)
            found += await entries(stream, transaction_id, 1)
        assert [code for _, code in found] == ["VALID", "DUPLICATE_TXID", "DUPLICATE_TXID"]
        assert await wire.client.status(transaction_id) == ("VALID", found[0][0])

    async def test_of_two_whole_envelopes_of_one_id_in_a_block_the_first_is_applied(self, wire: Wire) -> None:
        first, second, transaction_id, codes = await twins_in_one_block(wire, ())
        assert codes == ["VALID", "DUPLICATE_TXID"]
        assert (await wire.client.status(transaction_id))[0] == "VALID"
        assert (await wire.exists(first), await wire.exists(second)) == (True, False)

    async def test_a_bad_envelope_before_a_good_one_of_its_id_answers_for_it_in_look_ups(self, wire: Wire) -> None:
        first, second, transaction_id, codes = await twins_in_one_block(wire, (MSP1,))
        assert codes == ["ENDORSEMENT_POLICY_FAILURE", "VALID"]
        assert (await wire.client.status(transaction_id))[0] == "ENDORSEMENT_POLICY_FAILURE"
        assert (await wire.exists(first), await wire.exists(second)) == (False, True)

    async def test_the_same_envelopes_in_two_blocks_are_never_applied(self, wire: Wire) -> None:
        users, nonce = (new_id(), new_id()), os.urandom(24)
        transaction_id, bad = await wire.endorsed(*create_user(users[0]), organisations=(MSP1,), nonce=nonce)
        _, good = await wire.endorsed(*create_user(users[1]), nonce=nonce)
        async with wire.client.stream(NEWEST) as stream:
            for envelope, code in ((bad, "ENDORSEMENT_POLICY_FAILURE"), (good, "DUPLICATE_TXID")):
                await wire.client.submit(envelope)
                assert [found for _, found in await entries(stream, transaction_id, 1)] == [code]
        assert [await wire.exists(user_id) for user_id in users] == [False, False]

    async def test_junk_under_anothers_transaction_id_is_ordered_and_squats_it(self, wire: Wire) -> None:
        victim = wire.client.member.propose(*create_user())
        squatter = wire.issued(MSP2)
        claimed = squatter.member.propose("junk", claimed_id=victim.transaction_id)
        await squatter.submit(squatter.member.sign(prepare_transaction(read_proposal(claimed.message), b"", [])))
        assert (await wire.client.status(victim.transaction_id))[0] == "BAD_PROPOSAL_TXID"
        text = f"duplicate transaction found [{victim.transaction_id}]. Creator [{wire.client.member.creator.hex()}]"
        assert await said(wire.client.endorse(victim)) == refused_by_own(text)

    async def test_ten_at_once_on_one_key_are_one_valid_and_nine_conflicts(self, wire: Wire) -> None:
        prepared = [await wire.endorsed(*create_user()) for _ in range(10)]
        for _, envelope in prepared:
            await wire.client.submit(envelope)
        codes = [(await wire.client.status(transaction_id))[0] for transaction_id, _ in prepared]
        assert codes == ["VALID"] + ["MVCC_READ_CONFLICT"] * 9

    async def test_a_range_that_changed_in_between_is_a_phantom(self, wire: Wire) -> None:
        payer, payee = await wire.new_user(), await wire.new_user()
        transaction_id, reader = await wire.endorsed(*TOTAL_SUPPLY)
        await wire.committed("TokenomicsContract:TransferWithFees", payer, payee, "1", "P2P", "x", "")
        await wire.client.submit(reader)
        assert (await wire.client.status(transaction_id))[0] == "PHANTOM_READ_CONFLICT"

    async def test_changed_arguments_do_not_fit_the_endorsements(self, wire: Wire) -> None:
        nonce, users = os.urandom(24), (new_id(), new_id())
        transaction_id, envelope = await wire.endorsed(*create_user(users[0]), nonce=nonce)
        _, other = await wire.endorsed(*create_user(users[1]), nonce=nonce)
        await wire.client.submit(wire.client.member.sign(with_arguments_of(envelope, other)))
        assert (await wire.client.status(transaction_id))[0] == "INVALID_ENDORSER_TRANSACTION"
        assert [await wire.exists(user_id) for user_id in users] == [False, False]

    async def test_expiry_is_seen_by_the_other_peer_the_orderer_and_the_streams_only(self, wire: Wire) -> None:
        client = wire.issued(not_after=datetime.now(UTC) - timedelta(seconds=2))
        proposal = client.member.propose(*TOTAL_SUPPLY)
        assert await said(client.endorse(proposal)) == refused_by_remote("proposal client identity expired")
        envelope = client.member.sign(await client.endorse(proposal, MSP1))
        assert await said(client.submit(envelope)) == (
            "ABORTED",
            "received unsuccessful response from orderer: status=BAD_REQUEST, info=broadcast client identity expired",
            None,
        )
        assert await client.ask(*TOTAL_SUPPLY)
        assert (await said(client.status("T", timeout_s=0.5)))[0] in {"DEADLINE_EXCEEDED", "CANCELLED"}  # waits
        async with client.stream(OLDEST) as stream:
            assert await stream.status() == "FORBIDDEN"

    async def test_a_certificate_that_is_not_yet_valid_is_accepted(self, wire: Wire) -> None:
        await wire.committed(*create_user(), by=wire.issued(not_before=datetime.now(UTC) + timedelta(days=1)))


async def twins_in_one_block(wire: Wire, first_by: tuple[str, ...]) -> tuple[str, str, str, list[str]]:
    """Users of the first and of the second envelope, their id, their codes; `first_by`: who endorses the first."""
    async with wire.client.stream(NEWEST) as stream:
        for _ in range(IN_ONE_BLOCK_WITHIN):
            first, second, nonce = new_id(), new_id(), os.urandom(24)
            transaction_id, early = await wire.endorsed(*create_user(first), organisations=first_by, nonce=nonce)
            _, late = await wire.endorsed(*create_user(second), nonce=nonce)
            await wire.client.submit(early)
            await wire.client.submit(late)
            found = await entries(stream, transaction_id, 2)
            if len({number for number, _ in found}) == 1:
                return first, second, transaction_id, [code for _, code in found]
    raise AssertionError("no pair came into one block")


def with_arguments_of(envelope: common_pb2.Envelope, other: common_pb2.Envelope) -> common_pb2.Envelope:
    """The envelope, unsigned, with the chaincode's arguments of another one."""
    payload = common_pb2.Payload.FromString(envelope.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    theirs = transaction_pb2.Transaction.FromString(read_claim(other).data)
    action.chaincode_proposal_payload = transaction_pb2.ChaincodeActionPayload.FromString(
        theirs.actions[0].payload
    ).chaincode_proposal_payload
    transaction.actions[0].payload = action.SerializeToString()
    payload.data = transaction.SerializeToString()
    return common_pb2.Envelope(payload=payload.SerializeToString())
