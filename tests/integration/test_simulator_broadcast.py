"""The services of the orderer at its own address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from simulator_answers import MSP2, at, codes_of, failure
from simulator_client import NEWEST, OLDEST, Running, running
from simulator_member import Member
from simulator_parts import EVERY_ADDRESS, assert_signed_by_the_orderer, ordering

from streams.simulator.proposals import prepare_transaction, read_proposal

Status = common_pb2.Status


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, **EVERY_ADDRESS) as started:
        yield started


async def test_what_the_orderer_refuses_ends_the_stream(network: Running) -> None:
    _, envelope = await network.client.endorsed("write", "a", "1")
    async with ordering(network) as orderer:
        call = orderer.Broadcast()
        await call.write(common_pb2.Envelope(payload=envelope.payload, signature=b"junk"))
        refused = await call.read()
        assert Status.Name(refused.status) == "FORBIDDEN"
        assert refused.info.endswith("permission denied")
        assert await call.read() is grpc.aio.EOF


async def test_junk_under_anothers_transaction_id_is_ordered_and_squats_it(network: Running, tmp_path: Path) -> None:
    """A writer can burn an id that it knows: the reason why nonces are secret."""
    victim = network.client.member.propose("write", "a", "1")
    squatter = network.simulator.keys.authorities[MSP2].issue("squatter", "client")
    member = Member(MSP2, squatter)
    claimed = member.propose("write", "a", "junk", claimed_id=victim.transaction_id)
    envelope = member.sign(prepare_transaction(read_proposal(claimed.message), b"", []))
    async with ordering(network) as orderer, network.client.stream(at(1)) as stream:
        call = orderer.Broadcast()
        await call.write(envelope)
        assert (await call.read()).status == Status.SUCCESS
        assert codes_of(await stream.block()) == [(victim.transaction_id, "BAD_PROPOSAL_TXID")]
    refused = await failure(network.client.endorse(victim))
    assert refused.details is not None
    assert refused.details[0][2].startswith(f"duplicate transaction found [{victim.transaction_id}]")
    assert (await network.client.status(victim.transaction_id))[0] == "BAD_PROPOSAL_TXID"


async def test_the_orderer_delivers_signed_blocks_without_the_peers_findings(network: Running) -> None:
    await network.client.transact("write", "a", "1")
    async with ordering(network) as orderer:
        call = orderer.Deliver()
        await call.write(network.client.member.seek(NEWEST, NEWEST))
        block = (await call.read()).block
        assert (await call.read()).status == Status.SUCCESS
    assert (block.header.number, len(block.data.data)) == (1, 1)
    assert block.metadata.metadata[2] == b""
    assert_signed_by_the_orderer(network, block)


@pytest.mark.parametrize(
    ("kind", "code"), [("orderer-down", "UNAVAILABLE"), ("orderer-leaderless", "SERVICE_UNAVAILABLE")]
)
async def test_faults_of_the_orderer_are_felt_at_its_own_address(network: Running, kind: str, code: str) -> None:
    _, envelope = await network.client.endorsed("write", "a", "1")
    network.put(kind)
    async with ordering(network) as orderer:
        call = orderer.Broadcast()
        await call.write(envelope)
        if kind == "orderer-down":
            assert (await failure(call.read())).code == code
        else:
            answer = await call.read()
            assert (Status.Name(answer.status), answer.info) == (code, "no Raft leader")


async def test_seeks_at_the_orderer_are_checked_like_those_at_a_peer(network: Running) -> None:
    async with ordering(network) as orderer:
        call = orderer.Deliver()
        await call.write(network.client.member.seek(OLDEST, channel="nochan"))
        answer: ab_pb2.DeliverResponse = await call.read()
        assert Status.Name(answer.status) == "NOT_FOUND"
