"""Peers and chaincode that are down or slow: code, text, details as measured on Fabric 2.5.16."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from simulator_answers import M_COL, M_EVAL, MSP1, MSP2, P1, P2, Failure, failure, refused_at
from simulator_client import Running, running
from simulator_member import SignedProposal
from simulator_outages import TIMED_OUT, impatient, proposal, refused_connection

NO_COMBINATION = Failure(
    code="FAILED_PRECONDITION",
    message="no combination of peers can be derived which satisfy the endorsement policy: "
    "no peer combination can satisfy the endorsement policy",
    details=None,
)
NO_ORG2 = Failure(code="UNAVAILABLE", message="failed to find any endorsing peers for org(s): Org2MSP", details=None)
FAILED_TO_EVALUATE = "failed to evaluate transaction, see attached details for more info"


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with impatient(tmp_path) as started:
        yield started


def simulating(signed: SignedProposal, reason: str) -> str:
    return f"error in simulation: failed to execute transaction {signed.transaction_id}: {reason}"


async def test_a_peer_that_is_down_is_a_refused_connection_until_the_gateway_notices(network: Running) -> None:
    down = network.put("peer-down", unnoticed_s=60)
    expected = Failure(code="ABORTED", message=M_COL, details=[(P2, MSP2, refused_connection(P2))])
    assert await failure(network.client.endorse(proposal(network))) == expected
    assert await failure(network.client.endorse(proposal(network), MSP2)) == expected
    network.lift(down)


async def test_a_peer_that_is_known_to_be_down_leaves_no_combination_of_peers(network: Running) -> None:
    client = network.client
    transaction_id, envelope = await client.endorsed("write", "a", "1")
    network.put("peer-down", unnoticed_s=0)
    assert await failure(client.endorse(proposal(network))) == NO_COMBINATION
    assert await failure(client.endorse(proposal(network), MSP2)) == NO_ORG2
    assert await failure(client.endorse(proposal(network), MSP1, MSP2)) == NO_ORG2
    await client.endorse(proposal(network), MSP1)
    assert await client.ask("read", "a") == b""
    await client.submit(envelope)
    assert (await client.status(transaction_id))[0] == "VALID"


async def test_a_refusal_of_the_own_peer_comes_before_the_missing_other_one(network: Running) -> None:
    network.put("peer-down", unnoticed_s=0)
    signed = network.client.member.propose("answer", "500", "no")
    assert await failure(network.client.endorse(signed)) == refused_at((P1, MSP1, "chaincode response 500, no"))


async def test_a_peer_that_is_back_is_found_a_moment_later(network: Running) -> None:
    network.lift(network.put("peer-down", unnoticed_s=0))
    started = time.monotonic()
    assert await failure(network.client.endorse(proposal(network))) == NO_COMBINATION
    async with asyncio.timeout(10):
        while True:
            try:
                await network.client.endorse(proposal(network))
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.02)
            else:
                break
    assert time.monotonic() - started > 0.3


async def test_a_peer_that_hangs_ends_with_the_endorsement_timeout_or_the_clients_deadline(network: Running) -> None:
    hanging = network.put("peer-hangs")
    assert await failure(network.client.endorse(proposal(network))) == refused_at((P2, MSP2, TIMED_OUT))
    hurried = await failure(network.client.endorse(proposal(network), timeout_s=0.05))
    assert (hurried.code, hurried.details) == ("DEADLINE_EXCEEDED", None)
    network.lift(hanging)
    await network.client.endorse(proposal(network))


async def test_a_chaincode_server_that_is_down_is_named_by_every_peer_that_is_asked(network: Running) -> None:
    down = network.put("chaincode-down")
    package, address = network.simulator.config.package_id, network.simulator.config.chaincode_address
    signed = proposal(network)
    text = simulating(
        signed,
        f"could not launch chaincode {package}: connection to {package} failed: error cannot create connection for "
        f"{package}: error creating grpc connection to {address}: failed to create new connection: connection error: "
        f'desc = "transport: error while dialing: dial tcp {address}: connect: connection refused"',
    )
    assert await failure(network.client.endorse(signed)) == refused_at((P1, MSP1, text))
    assert await failure(network.client.evaluate(signed)) == Failure(
        code="ABORTED", message=FAILED_TO_EVALUATE, details=[(P1, MSP1, text), (P2, MSP2, text)]
    )
    network.lift(down)
    await network.client.endorse(signed)


async def test_a_chaincode_server_that_dies_during_the_call_ends_its_stream(network: Running) -> None:
    network.put("chaincode-dies", count=1)
    signed = proposal(network)
    text = simulating(signed, "error sending: chaincode stream terminated")
    assert await failure(network.client.endorse(signed)) == refused_at((P1, MSP1, text))
    await network.client.endorse(signed)


async def test_a_chaincode_slower_than_the_peers_allow_times_out_at_each(tmp_path: Path) -> None:
    async with running(tmp_path, chaincode_timeout_s=0.2) as network:
        network.put("chaincode-slow", delay_s=60)
        signed = proposal(network)
        text = simulating(signed, "error sending: timeout expired while executing transaction")
        assert await failure(network.client.endorse(signed)) == refused_at((P1, MSP1, text))
        started = time.monotonic()
        assert await failure(network.client.evaluate(signed)) == Failure(
            code="ABORTED", message=FAILED_TO_EVALUATE, details=[(P1, MSP1, text), (P2, MSP2, text)]
        )
        assert time.monotonic() - started >= 2 * 0.2


async def test_a_slow_chaincode_is_bound_by_the_gateways_timeout_at_the_other_peer_only(network: Running) -> None:
    network.put("chaincode-slow", delay_s=0.4)
    started = time.monotonic()
    assert await failure(network.client.endorse(proposal(network))) == refused_at((P2, MSP2, TIMED_OUT))
    assert time.monotonic() - started >= 0.4 + 0.2
    assert await network.client.ask("read", "a") == b"", "the own peer is waited for"


async def test_a_chaincode_that_really_is_too_slow_keeps_its_id_until_it_answers(network: Running) -> None:
    signed = network.client.member.propose("wait")
    text = simulating(signed, "error sending: timeout expired while executing transaction")
    assert await failure(network.client.endorse(signed)) == refused_at((P1, MSP1, text))
    exists = simulating(signed, f"error sending: txid: {signed.transaction_id}(gxchannel) exists")
    assert await failure(network.client.endorse(signed)) == refused_at((P1, MSP1, exists))
    network.chaincode.released.set()


async def test_endorsements_that_differ_are_not_ordered(network: Running) -> None:
    network.put("different-endorsements", count=1)
    text = "ProposalResponsePayloads do not match"
    assert await failure(network.client.endorse(proposal(network))) == refused_at((P2, MSP2, text))
    await network.client.endorse(proposal(network))


async def test_an_evaluation_at_another_peer_that_refuses_looks_like_a_broken_connection(network: Running) -> None:
    signed = network.client.member.propose("read", "a", nonce=b"")
    request = network.client.evaluate_request(signed, MSP2)
    text = "rpc error: code = Unknown desc = error validating proposal: nonce is empty"
    assert await failure(network.client.gateway.Evaluate(request)) == Failure(
        code="UNAVAILABLE", message=FAILED_TO_EVALUATE, details=[(P2, MSP2, text)]
    )
    refused = network.client.evaluate_request(network.client.member.propose("answer", "500", "no"), MSP2)
    text = "chaincode response 500, no"
    assert await failure(network.client.gateway.Evaluate(refused)) == Failure(
        code="UNKNOWN", message=M_EVAL + text, details=[(P2, MSP2, text)]
    )


@pytest.mark.parametrize("call", ["endorse", "evaluate"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_refusal_is_as_late_as_an_answer(network: Running, call: str, when: str) -> None:
    network.put("late", call=call, when=when, delay_s=0.5)
    proposal = network.client.member.propose("answer", "500", "no")
    began_at = time.monotonic()
    refused = await failure(getattr(network.client, call)(proposal))
    assert "no" in (refused.details or [("", "", "")])[0][2] + refused.message
    assert time.monotonic() - began_at >= 0.5
