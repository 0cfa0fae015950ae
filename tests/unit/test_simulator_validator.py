"""Which code an envelope gets in its block; the rules were measured on Fabric 2.5.16."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, transaction_pb2
from simulator_member import Member
from simulator_network import Network

from streams.simulator.proposals import read_proposal


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    network = Network(tmp_path)
    yield network
    network.blocks.close()


def value(network: Network, key: str) -> bytes | None:
    entry = network.ledger.world.get(key)
    return None if entry is None else entry.value


def rewritten(
    envelope: bytes, signer: Member, change: Callable[[common_pb2.ChannelHeader, transaction_pb2.Transaction], None]
) -> bytes:
    """The envelope with something changed inside, signed again."""
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    change(header, transaction)
    payload.header.channel_header = header.SerializeToString()
    payload.data = transaction.SerializeToString()
    return bytes(signer.sign(common_pb2.Envelope(payload=payload.SerializeToString())).SerializeToString())


async def test_a_transaction_endorsed_by_both_is_valid_and_applied(network: Network) -> None:
    assert await network.commit(await network.endorsed("write", "a", "1")) == ["VALID"]
    assert value(network, "a") == b"1"


async def test_of_transactions_that_read_and_wrote_one_key_only_the_first_is_valid(network: Network) -> None:
    envelopes = [await network.endorsed("append", "a", str(number)) for number in range(10)]
    assert await network.commit(*envelopes) == ["VALID"] + ["MVCC_READ_CONFLICT"] * 9
    assert value(network, "a") == b"0"


async def test_a_read_outdated_by_an_earlier_block_conflicts(network: Network) -> None:
    late = await network.endorsed("append", "a", "late")
    await network.commit(await network.endorsed("append", "a", "first"))
    assert await network.commit(late) == ["MVCC_READ_CONFLICT"]


async def test_blind_writes_of_one_key_do_not_conflict(network: Network) -> None:
    envelopes = [await network.endorsed("write", "a", text) for text in ("1", "2")]
    assert await network.commit(*envelopes) == ["VALID", "VALID"]
    assert value(network, "a") == b"2"


async def test_an_invalid_transaction_does_not_make_others_conflict(network: Network) -> None:
    unendorsed = await network.endorsed("append", "a", "bad", by=["Org1MSP"])
    good = await network.endorsed("append", "a", "good")
    assert await network.commit(unendorsed, good) == ["ENDORSEMENT_POLICY_FAILURE", "VALID"]
    assert value(network, "a") == b"good"


@pytest.mark.parametrize("change", [("write", "n2", "x"), ("remove", "n1")])
@pytest.mark.parametrize("same_block", [True, False])
async def test_a_range_that_changed_is_a_phantom(network: Network, change: tuple[str, ...], same_block: bool) -> None:
    await network.commit(await network.endorsed("write", "n1", "x"))
    reader = await network.endorsed("list", "n", "o")
    writer = await network.endorsed(*change)
    if same_block:
        assert await network.commit(writer, reader) == ["VALID", "PHANTOM_READ_CONFLICT"]
    else:
        await network.commit(writer)
        assert await network.commit(reader) == ["PHANTOM_READ_CONFLICT"]


async def test_a_range_is_no_phantom_when_only_its_neighbours_changed(network: Network) -> None:
    await network.commit(await network.endorsed("write", "n1", "x"))
    reader = await network.endorsed("list", "n", "o")
    assert await network.commit(await network.endorsed("write", "o", "x"), reader) == ["VALID", "VALID"]


async def test_a_range_left_early_looks_no_further_than_the_last_key_read(network: Network) -> None:
    await network.commit(await network.endorsed("write", "n1", "x"), await network.endorsed("write", "n3", "x"))
    reader = await network.endorsed("first", "n", "o")
    behind, before = await network.endorsed("write", "n2", "x"), await network.endorsed("write", "n0", "x")
    late_reader = await network.endorsed("first", "n", "o")
    assert await network.commit(behind, reader) == ["VALID", "VALID"]
    assert await network.commit(before, late_reader) == ["VALID", "PHANTOM_READ_CONFLICT"]


@pytest.mark.parametrize("by", [["Org1MSP"], ["Org2MSP"], ["Org1MSP", "Org1MSP"], []])
async def test_both_organisations_must_endorse(network: Network, by: list[str]) -> None:
    assert await network.commit(await network.endorsed("write", "a", "1", by=by)) == ["ENDORSEMENT_POLICY_FAILURE"]


async def test_an_endorsement_by_a_client_does_not_count(network: Network) -> None:
    proposal = network.member.propose("write", "a", "1")
    client = network.new_member("Org2MSP").signer
    network.peers["Org2MSP"] = type(network.peers["Org2MSP"])(msp_id="Org2MSP", address="", signer=client)
    assert await network.commit(await network.transaction(proposal)) == ["ENDORSEMENT_POLICY_FAILURE"]


async def test_a_changed_response_is_not_what_the_peers_endorsed(network: Network) -> None:
    def change(_: common_pb2.ChannelHeader, transaction: transaction_pb2.Transaction) -> None:
        payload = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
        for endorsement in payload.action.endorsements:
            endorsement.signature = network.peers["Org1MSP"].signer.sign(b"something else")
        transaction.actions[0].payload = payload.SerializeToString()

    envelope = rewritten(await network.endorsed("write", "a", "1"), network.member, change)
    assert await network.commit(envelope) == ["ENDORSEMENT_POLICY_FAILURE"]


async def test_changed_arguments_do_not_fit_the_endorsements(network: Network) -> None:
    def change(_: common_pb2.ChannelHeader, transaction: transaction_pb2.Transaction) -> None:
        payload = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
        call = chaincode_pb2.ChaincodeInvocationSpec(
            chaincode_spec=chaincode_pb2.ChaincodeSpec(input=chaincode_pb2.ChaincodeInput(args=[b"write", b"a", b"9"]))
        )
        payload.chaincode_proposal_payload = proposal_pb2.ChaincodeProposalPayload(
            input=call.SerializeToString()
        ).SerializeToString()
        transaction.actions[0].payload = payload.SerializeToString()

    envelope = rewritten(await network.endorsed("write", "a", "1"), network.member, change)
    assert await network.commit(envelope) == ["INVALID_ENDORSER_TRANSACTION"]


async def test_a_signature_of_somebody_else_is_a_bad_creator_signature(network: Network) -> None:
    envelope = common_pb2.Envelope.FromString(await network.endorsed("write", "a", "1"))
    stolen = network.new_member().sign(envelope).SerializeToString()
    assert await network.commit(stolen) == ["BAD_CREATOR_SIGNATURE"]


async def test_bytes_that_are_no_envelope_are_a_bad_payload(network: Network) -> None:
    assert await network.commit(b"\xff\xff") == ["BAD_PAYLOAD"]


async def test_junk_under_a_foreign_id_is_invalid_and_burns_the_id(network: Network) -> None:
    owner = network.member.propose("write", "a", "mine")
    victim = await network.transaction(owner)
    squatter = network.new_member("Org2MSP")

    def claim(header: common_pb2.ChannelHeader, _: transaction_pb2.Transaction) -> None:
        header.tx_id = owner.transaction_id

    network.member, kept = squatter, network.member
    junk = rewritten(await network.endorsed("write", "a", "junk"), squatter, claim)
    network.member = kept
    assert await network.commit(junk) == ["BAD_PROPOSAL_TXID"]
    assert await network.commit(victim) == ["DUPLICATE_TXID"]
    assert value(network, "a") is None


async def test_the_same_envelope_twice_in_a_block_is_applied_once(network: Network) -> None:
    envelope = await network.endorsed("append", "a", "1")
    assert await network.commit(envelope, envelope) == ["VALID", "DUPLICATE_TXID"]
    assert value(network, "a") == b"1"


@pytest.mark.parametrize("first", ["VALID", "MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE"])
async def test_an_id_on_the_ledger_with_any_code_stays_taken(network: Network, first: str) -> None:
    by = ["Org1MSP"] if first == "ENDORSEMENT_POLICY_FAILURE" else ["Org1MSP", "Org2MSP"]
    nonce = os.urandom(24)
    envelope = await network.endorsed("append", "a", "1", by=by, nonce=nonce)
    whole = await network.endorsed("append", "a", "1", nonce=nonce)
    before = [await network.endorsed("append", "a", "0")] if first == "MVCC_READ_CONFLICT" else []
    assert (await network.commit(*before, envelope))[-1] == first
    entry = network.ledger.first_entry(read_id(whole))
    assert await network.commit(whole) == ["DUPLICATE_TXID"]
    assert network.ledger.first_entry(read_id(whole)) == entry


async def test_within_a_block_a_bad_twin_does_not_take_the_id_but_answers_for_it(network: Network) -> None:
    nonce = os.urandom(24)
    bad = await network.endorsed("write", "a", "bad", by=["Org1MSP"], nonce=nonce)
    good = await network.endorsed("write", "a", "good", nonce=nonce)
    assert await network.commit(bad, good) == ["ENDORSEMENT_POLICY_FAILURE", "VALID"]
    assert value(network, "a") == b"good"
    entry = network.ledger.first_entry(read_id(good))
    assert entry is not None
    assert entry.code == transaction_pb2.TxValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_of_two_whole_twins_in_a_block_the_first_wins(network: Network) -> None:
    nonce = os.urandom(24)
    twins = [await network.endorsed("write", "a", text, nonce=nonce) for text in ("first", "second")]
    assert await network.commit(*twins) == ["VALID", "DUPLICATE_TXID"]
    assert value(network, "a") == b"first"


async def test_a_twin_that_conflicts_still_takes_the_id(network: Network) -> None:
    nonce = os.urandom(24)
    reader = await network.endorsed("append", "a", "1", nonce=nonce)
    twin = await network.endorsed("write", "a", "twin", nonce=nonce)
    other = await network.endorsed("append", "a", "2")
    assert await network.commit(other, reader, twin) == ["VALID", "MVCC_READ_CONFLICT", "DUPLICATE_TXID"]


def read_id(envelope: bytes) -> str:
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)
    return str(common_pb2.ChannelHeader.FromString(payload.header.channel_header).tx_id)


def test_the_endorsed_payload_leaves_out_what_was_sent_aside(network: Network) -> None:
    with_secret = read_proposal(network.member.propose("write", "a", "1", transient={"pin": b"1234"}).message)
    assert with_secret.transient == {"pin": b"1234"}
    assert b"1234" not in with_secret.chaincode_payload
