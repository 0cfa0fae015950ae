"""The service of a peer alone, for clients that collect endorsements themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.msp import identities_pb2
from simulator_answers import MSP1, MSP2, Failure, at, codes_of, failure
from simulator_client import CHANNEL, Client, Running, running
from simulator_member import SignedProposal
from simulator_parts import EVERY_ADDRESS, at_org2, ordering

from streams.simulator.proposals import prepare_transaction, read_proposal

Status = common_pb2.Status


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, **EVERY_ADDRESS) as started:
        yield started


async def collected(network: Running, other: Client, signed: SignedProposal) -> common_pb2.Envelope:
    """A transaction as a client without gateway makes it."""
    answers = [await network.client.process(signed), await other.process(signed)]
    assert [answer.response.status for answer in answers] == [200, 200]
    assert answers[0].payload == answers[1].payload
    prepared = prepare_transaction(
        read_proposal(signed.message), answers[0].payload, [answer.endorsement for answer in answers]
    )
    return network.client.member.sign(prepared)


async def test_a_client_without_gateway_collects_broadcasts_and_sees_its_block(network: Running) -> None:
    signed = network.client.member.propose("write", "a", "1")
    async with at_org2(network) as other, ordering(network) as orderer, network.client.stream(at(1)) as stream:
        envelope = await collected(network, other, signed)
        call = orderer.Broadcast()
        await call.write(envelope)
        assert (await call.read()).status == Status.SUCCESS
        assert codes_of(await stream.block()) == [(signed.transaction_id, "VALID")]
        assert await other.ask("read", "a") == b"1"


async def test_a_peer_answers_what_its_chaincode_refuses_with_a_status(network: Running) -> None:
    answer = await network.client.process(network.client.member.propose("answer", "404", "not here"))
    assert (answer.response.status, answer.response.message) == (404, "not here")
    assert not answer.HasField("endorsement")
    signed = network.client.member.propose("bug")
    answer = await network.client.process(signed)
    assert answer.response.status == 500
    assert answer.response.message.startswith("error in simulation: failed to execute transaction ")


async def test_a_peer_answers_a_wrong_proposal_with_an_error(network: Running) -> None:
    refused = await failure(network.client.process(network.client.member.propose("write", "a", "1", nonce=b"")))
    assert refused == Failure(code="UNKNOWN", message="error validating proposal: nonce is empty", details=None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channel": "nochan"}, "channel 'nochan' not found"),
        (
            {"chaincode": "nope"},
            "make sure the chaincode nope has been successfully defined on channel gxchannel and try again: "
            "chaincode nope not found",
        ),
    ],
)
async def test_a_peer_names_the_channel_or_chaincode_that_it_does_not_have(
    network: Running, changed: dict[str, str], message: str
) -> None:
    answer = await network.client.process(network.client.member.propose("write", "a", "1", **changed))  # type: ignore[arg-type]
    assert (answer.response.status, answer.response.message) == (500, message)


async def test_a_peer_answers_ledger_queries_itself(network: Running) -> None:
    answer = await network.client.process(network.client.member.propose("GetChainInfo", CHANNEL, chaincode="qscc"))
    assert ledger_pb2.BlockchainInfo.FromString(answer.response.payload).height == 1


async def test_each_peer_signs_with_its_own_organisations_certificate(network: Running) -> None:
    signed = network.client.member.propose("write", "a", "1")
    async with at_org2(network) as other:
        endorsers = [
            identities_pb2.SerializedIdentity.FromString((await peer.process(signed)).endorsement.endorser).mspid
            for peer in (network.client, other)
        ]
    assert endorsers == [MSP1, MSP2]


async def test_the_gateway_of_the_other_peer_serves_the_same_ledger(network: Running) -> None:
    async with at_org2(network) as other:
        assert await other.transact("write", "a", "1") == ("VALID", 1)
        refused = await failure(other.endorse(other.member.propose("answer", "500", "no")))
    assert await network.client.ask("read", "a") == b"1"
    assert [(address, msp_id) for address, msp_id, _ in refused.details or []] == [
        ("peer0.org2.example.com:9051", MSP2)
    ]


async def test_the_other_peers_address_is_dead_while_it_is_down(network: Running) -> None:
    network.put("peer-down")
    async with at_org2(network) as other:
        refused = await failure(other.process(network.client.member.propose("write", "a", "1")))
    assert (refused.code, "connection refused" in refused.message) == ("UNAVAILABLE", True)
