"""Who is refused where, and what the orderer and the ledger refuse, as measured on Fabric 2.5.16."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from simulator_answers import (
    DENIED,
    M_EVAL,
    MSP1,
    MSP2,
    P1,
    P2,
    READERS,
    WRITERS,
    Failure,
    failure,
    high_s,
    refused_at,
)
from simulator_client import CHANNEL, OLDEST, Client, Running, running
from simulator_member import Member
from wrong_messages import EMPTY_REQUESTS, STRANGERS, prepared, stranger


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_creator_whom_nobody_knows_gets_one_answer_whatever_the_reason(network: Running, who: str) -> None:
    client = network.as_member(stranger(network.simulator.keys.authorities[MSP1], who))
    text = DENIED + "unknown, creator is malformed"
    proposal = client.member.propose("write", "a", "1")
    assert await failure(client.endorse(proposal)) == refused_at((P1, MSP1, text))
    assert await failure(client.evaluate(proposal)) == Failure(
        code="FAILED_PRECONDITION", message=M_EVAL + text, details=[(P1, MSP1, text)]
    )
    assert await failure(client.submit(prepared(client.member))) == Failure(
        code="ABORTED", message=WRITERS, details=None
    )
    assert await failure(client.status(proposal.transaction_id)) == Failure(
        code="PERMISSION_DENIED", message=READERS, details=None
    )
    async with client.stream(OLDEST) as stream:
        assert await stream.status() == "FORBIDDEN"


@pytest.mark.parametrize("spoil", [lambda _: b"junk", high_s, lambda _: b""], ids=["junk", "high S", "empty"])
async def test_a_wrong_signature_on_an_envelope_or_a_status_request_is_refused(
    network: Running, spoil: Callable[[bytes], bytes]
) -> None:
    client = network.client
    transaction_id, envelope = await client.endorsed("write", "a", "1")
    signature = spoil(envelope.signature)
    expected = (
        Failure(code="ABORTED", message=WRITERS, details=None)
        if signature
        else Failure(code="INVALID_ARGUMENT", message="prepared transaction must be signed", details=None)
    )
    wrong = common_pb2.Envelope(payload=envelope.payload, signature=signature)
    assert await failure(client.submit(wrong)) == expected
    request = client.member.ask_status(transaction_id)
    request.signature = spoil(request.signature)
    assert await failure(client.gateway.CommitStatus(request)) == Failure(
        code="PERMISSION_DENIED", message=READERS, details=None
    )
    await client.submit(envelope)
    assert (await client.status(transaction_id))[0] == "VALID", "a refused Submit leaves no trace"


async def test_an_envelope_over_the_orderers_limit_is_endorsed_but_not_taken(network: Running) -> None:
    _, envelope = await network.client.endorsed("write", "a", "x" * 6 * 1024 * 1024)
    size_bytes = len(envelope.payload) + len(envelope.signature)
    assert await failure(network.client.submit(envelope)) == Failure(
        code="ABORTED",
        message="received unsuccessful response from orderer: status=BAD_REQUEST, info=message payload is "
        f"{size_bytes} bytes and exceeds maximum allowed 10485760 bytes",
        details=None,
    )


@pytest.mark.parametrize(
    ("call", "request_message", "message"),
    EMPTY_REQUESTS,
)
async def test_an_empty_request_is_an_invalid_argument(
    network: Running, call: str, request_message: object, message: str
) -> None:
    assert await failure(getattr(network.client.gateway, call)(request_message)) == Failure(
        code="INVALID_ARGUMENT", message=message, details=None
    )


async def test_a_query_for_an_unknown_id_says_so(network: Running) -> None:
    text = "chaincode response 500, Failed to get transaction with id T, error no such transaction ID [T] in index"
    assert await failure(network.client.query("GetTransactionByID", CHANNEL, "T")) == Failure(
        code="UNKNOWN", message=M_EVAL + text, details=[(P1, MSP1, text)]
    )


def expired(network: Running) -> Client:
    now = datetime.now(UTC)
    credential = network.simulator.keys.authorities[MSP1].issue(
        "old", "client", not_before=now - timedelta(days=2), not_after=now - timedelta(days=1)
    )
    return network.as_member(Member(MSP1, credential))


async def test_expiry_is_seen_by_the_other_peer_the_orderer_and_the_streams_only(network: Running) -> None:
    client = expired(network)
    proposal = client.member.propose("write", "a", "1")
    assert await failure(client.endorse(proposal)) == refused_at(
        (P2, MSP2, "rpc error: code = Unknown desc = proposal client identity expired")
    )
    envelope = client.member.sign(await client.endorse(proposal, MSP1))
    assert await failure(client.submit(envelope)) == Failure(
        code="ABORTED",
        message="received unsuccessful response from orderer: status=BAD_REQUEST, "
        "info=broadcast client identity expired",
        details=None,
    )
    assert await client.ask("read", "a") == b""
    assert (await failure(client.status("T", timeout_s=0.1))).code == "DEADLINE_EXCEEDED"
    async with client.stream(OLDEST) as stream:
        assert await stream.status() == "FORBIDDEN"


async def test_a_certificate_that_is_not_yet_valid_is_accepted(network: Running) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    credential = network.simulator.keys.authorities[MSP1].issue("early", "client", not_before=tomorrow)
    assert await network.as_member(Member(MSP1, credential)).transact("write", "a", "1") == ("VALID", 1)


async def test_a_peers_certificate_may_read_but_not_write(network: Running) -> None:
    credential = network.simulator.keys.authorities[MSP1].issue("peer1", "peer")
    peer = network.as_member(Member(MSP1, credential))
    assert await failure(peer.submit(prepared(peer.member))) == Failure(code="ABORTED", message=WRITERS, details=None)
    async with peer.stream(OLDEST) as stream:
        assert (await stream.block()).number == 0
