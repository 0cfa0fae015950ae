"""Proposals that no peer endorses: code, text and details of each answer, as measured on Fabric 2.5.16."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
from simulator_answers import M_COL, M_EVAL, MSP1, MSP2, NO_PLAN, P1, P2, Failure, failure, refused_at, result_of
from simulator_client import CHANNEL, Running, running
from wrong_messages import PROPOSALS, right_id


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


@pytest.mark.parametrize("wrong", PROPOSALS)
async def test_a_wrong_proposal_is_refused_by_the_peer_that_is_asked(network: Running, wrong: str) -> None:
    make, template = PROPOSALS[wrong]
    own_id = right_id(network.client.member)
    text = template.format(id=own_id, ID=own_id.upper())
    proposal = make(network.client.member)
    assert await failure(network.client.endorse(proposal)) == refused_at((P1, MSP1, text))
    assert await failure(network.client.endorse(proposal, MSP2)) == refused_at(
        (P2, MSP2, f"rpc error: code = Unknown desc = {text}")
    )
    assert await failure(network.client.evaluate(proposal)) == Failure(
        code="FAILED_PRECONDITION", message=M_EVAL + text, details=[(P1, MSP1, text)]
    )


@pytest.mark.parametrize(("chaincode", "channel"), [("nope", CHANNEL), ("gxtv3", "nochan"), ("qscc", CHANNEL)])
async def test_nobody_endorses_an_unknown_chaincode_or_channel(network: Running, chaincode: str, channel: str) -> None:
    proposal = network.client.member.propose("GetChainInfo", CHANNEL, chaincode=chaincode, channel=channel)
    assert await failure(network.client.endorse(proposal)) == Failure(
        code="FAILED_PRECONDITION", message=NO_PLAN.format(chaincode, channel), details=None
    )


async def test_other_calls_on_an_unknown_chaincode_or_channel_have_texts_of_their_own(network: Running) -> None:
    client, member = network.client, network.client.member
    no_config = "failed to get config for channel [nochan]: could not get last config for channel nochan"
    _, envelope = await client.endorsed("write", "a", "1")
    calls: list[tuple[Awaitable[object], str, str]] = [
        (
            client.evaluate(member.propose("read", "a", chaincode="nope")),
            "FAILED_PRECONDITION",
            "no peers available to evaluate chaincode nope in channel gxchannel",
        ),
        (client.evaluate(member.propose("read", "a", channel="nochan")), "UNAVAILABLE", no_config),
        (client.submit(envelope, channel="nochan"), "FAILED_PRECONDITION", no_config),
        (
            client.gateway.CommitStatus(member.ask_status("T", channel="nochan")),
            "PERMISSION_DENIED",
            "Failed to get policy manager for channel [nochan]",
        ),
        (
            client.endorse(member.propose("write", "a", "1"), "NoMSP"),
            "UNAVAILABLE",
            "failed to find any endorsing peers for org(s): NoMSP",
        ),
    ]
    for call, code, message in calls:
        assert await failure(call) == Failure(code=code, message=message, details=None)


@pytest.mark.parametrize("status", ["400", "404", "500", "503"])
async def test_a_refusal_of_the_chaincode_carries_its_own_status_and_text(network: Running, status: str) -> None:
    proposal = network.client.member.propose("answer", status, "insufficient funds")
    text = f"chaincode response {status}, insufficient funds"
    assert await failure(network.client.endorse(proposal)) == refused_at((P1, MSP1, text))
    assert await failure(network.client.endorse(proposal, MSP2)) == refused_at((P2, MSP2, text))
    assert await failure(network.client.evaluate(proposal)) == Failure(
        code="UNKNOWN", message=M_EVAL + text, details=[(P1, MSP1, text)]
    )


async def test_with_organisations_named_every_refusal_is_reported(network: Running) -> None:
    proposal = network.client.member.propose("answer", "500", "no")
    assert await failure(network.client.endorse(proposal, MSP1, MSP2)) == Failure(
        code="ABORTED",
        message=M_COL,
        details=[(P1, MSP1, "chaincode response 500, no"), (P2, MSP2, "chaincode response 500, no")],
    )


async def test_a_chaincode_that_breaks_off_fails_the_simulation(network: Running) -> None:
    proposal = network.client.member.propose("bug")
    text = (
        f"error in simulation: failed to execute transaction {proposal.transaction_id}: "
        "error sending: chaincode stream terminated"
    )
    assert await failure(network.client.endorse(proposal)) == refused_at((P1, MSP1, text))
    assert await failure(network.client.evaluate(proposal)) == Failure(
        code="ABORTED",
        message="failed to evaluate transaction, see attached details for more info",
        details=[(P1, MSP1, text), (P2, MSP2, text)],
    )


async def test_an_id_on_the_ledger_is_refused_by_every_peer(network: Running) -> None:
    client, nonce = network.client, os.urandom(24)
    transaction_id, envelope = await client.endorsed("write", "a", "1", nonce=nonce)
    await client.submit(envelope)
    await client.status(transaction_id)
    text = f"duplicate transaction found [{transaction_id}]. Creator [{client.member.creator.hex()}]"
    again = client.member.propose("write", "a", "other arguments", nonce=nonce)
    assert await failure(client.endorse(again)) == refused_at((P1, MSP1, text))
    assert await failure(client.endorse(again, MSP2)) == refused_at(
        (P2, MSP2, f"rpc error: code = Unknown desc = {text}")
    )
    assert await failure(client.evaluate(again)) == Failure(
        code="FAILED_PRECONDITION", message=M_EVAL + text, details=[(P1, MSP1, text)]
    )


async def test_an_id_that_was_endorsed_only_may_be_endorsed_again(network: Running) -> None:
    proposal = network.client.member.propose("write", "a", "1")
    await network.client.endorse(proposal)
    await network.client.endorse(proposal)


async def test_an_id_is_taken_while_it_is_simulated_also_after_the_client_has_gone(network: Running) -> None:
    client, proposal = network.client, network.client.member.propose("wait")
    assert (await failure(client.endorse(proposal, timeout_s=0.2))).code == "DEADLINE_EXCEEDED"
    assert network.chaincode.called.is_set()
    text = (
        f"error in simulation: failed to execute transaction {proposal.transaction_id}: error sending: "
        f"txid: {proposal.transaction_id}(gxchannel) exists"
    )
    assert await failure(client.endorse(proposal)) == refused_at((P1, MSP1, text))
    network.chaincode.released.set()
    await client.ask("read", "a")
    assert result_of(await client.endorse(proposal)).payload == b"released"
