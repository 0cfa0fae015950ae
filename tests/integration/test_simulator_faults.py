"""Faults of whole calls, how they are limited, and what is on the ledger afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from simulator_answers import M_END, MSP1, MSP2, P1, P2, Failure, at, codes_of, failure, refused_at
from simulator_client import CHANNEL, OLDEST, Client, Running, running
from simulator_member import Member


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


def refusing(text: str = "chaincode response 500, refused on purpose") -> Failure:
    return Failure(code="ABORTED", message=M_END, details=[(P1, MSP1, text)])


def another(network: Running) -> Client:
    credential = network.simulator.keys.authorities[MSP1].issue("another", "client")
    return network.as_member(Member(MSP1, credential))


async def test_an_endorsement_is_refused_with_the_words_of_the_fault(network: Running) -> None:
    network.put("refuse-endorsement", status=404, message="no such account")
    refused = await failure(network.client.endorsed("write", "a", "1"))
    assert refused == refusing("chaincode response 404, no such account")


async def test_the_peer_of_the_other_organisation_can_refuse_alone(network: Running) -> None:
    network.put("refuse-endorsement", organisation=MSP2, message="no")
    refused = await failure(network.client.endorsed("write", "a", "1"))
    assert refused == refused_at((P2, MSP2, "chaincode response 500, no"))


async def test_a_fault_strikes_its_identity_only(network: Running) -> None:
    network.put("refuse-endorsement", identity="another")
    await network.client.endorsed("write", "a", "1")
    assert await failure(another(network).endorsed("write", "a", "1")) == refusing()


async def test_a_fault_strikes_its_function_only(network: Running) -> None:
    network.put("refuse-endorsement", function="app*")
    await network.client.endorsed("write", "a", "1")
    assert await failure(network.client.endorsed("append", "a", "1")) == refusing()


async def test_a_fault_is_spent_after_its_count(network: Running) -> None:
    network.put("refuse-endorsement", count=2)
    for _ in range(2):
        assert await failure(network.client.endorsed("write", "a", "1")) == refusing()
    await network.client.endorsed("write", "a", "1")
    (listed,) = network.simulator.faults.listed()
    assert (listed.struck, listed.is_spent) == (2, True)


async def test_the_same_seed_strikes_the_same_calls(network: Running) -> None:
    async def struck() -> list[bool]:
        number = network.put("refuse-endorsement", probability=0.5, seed=7)
        results = await asyncio.gather(
            *(network.client.endorsed("write", str(number), "1") for number in range(1)), return_exceptions=True
        )
        for _ in range(19):
            results += await asyncio.gather(network.client.endorsed("write", "a", "1"), return_exceptions=True)
        network.lift(number)
        return [isinstance(result, BaseException) for result in results]

    first = await struck()
    assert first == await struck()
    assert 0 < sum(first) < 20


async def test_a_late_answer_comes_after_the_effect(network: Running) -> None:
    network.put("late", call="submit", when="after", delay_s=30)
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    submitting = asyncio.create_task(network.client.submit(envelope))
    assert (await network.client.status(transaction_id))[0] == "VALID"
    assert not submitting.done()
    submitting.cancel()


async def test_a_late_effect_comes_also_when_the_client_has_given_up(network: Running) -> None:
    network.put("late", call="submit", when="before", delay_s=0.5)
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    request = network.client.submit_request(envelope)
    assert (await failure(network.client.gateway.Submit(request, timeout=0.1))).code == "DEADLINE_EXCEEDED"
    assert (await failure(network.client.status(transaction_id, timeout_s=0.1))).code == "DEADLINE_EXCEEDED"
    assert (await network.client.status(transaction_id))[0] == "VALID"


@pytest.mark.parametrize("call", ["endorse", "evaluate", "commit-status"])
async def test_every_call_can_be_late(network: Running, call: str) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    await network.client.submit(envelope)
    network.put("late", call=call, delay_s=0.3)
    started = time.monotonic()
    match call:
        case "endorse":
            await network.client.endorsed("write", "a", "2")
        case "evaluate":
            await network.client.ask("read", "a")
        case "commit-status":
            await network.client.status(transaction_id)
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        ("silence", "DEADLINE_EXCEEDED", None),
        ("time-out", "UNAVAILABLE", "no orderers could successfully process transaction"),
        ("broken", "UNAVAILABLE", "Stream removed (Socket closed)"),
    ],
)
async def test_an_answer_is_lost_after_ordering(network: Running, answer: str, code: str, message: str | None) -> None:
    network.put("lose-answer", answer=answer, count=1)
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    request = network.client.submit_request(envelope)
    lost = await failure(network.client.gateway.Submit(request, timeout=0.5))
    assert lost.code == code
    assert message in (None, lost.message)
    assert (await network.client.status(transaction_id))[0] == "VALID"


async def test_a_transaction_is_lost_after_its_acknowledgement_and_may_be_submitted_again(network: Running) -> None:
    network.put("lose-transaction", count=1)
    client = network.client
    signed = client.member.propose("append", "a", "1")
    envelope = client.member.sign(await client.endorse(signed))
    await client.submit(envelope)
    assert (await failure(client.status(signed.transaction_id, timeout_s=0.3))).code == "DEADLINE_EXCEEDED"
    missing = await failure(client.query("GetTransactionByID", CHANNEL, signed.transaction_id))
    assert "no such transaction ID" in missing.message
    await client.endorse(signed)
    await client.submit(envelope)
    assert (await client.status(signed.transaction_id))[0] == "VALID"
    assert await client.ask("read", "a") == b"1"


@pytest.mark.parametrize("code", ["MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT"])
async def test_a_forced_conflict_is_on_the_ledger_and_changes_nothing(
    network: Running, tmp_path: Path, code: str
) -> None:
    network.put("force-conflict", code=code, function="append", count=1)
    assert await network.client.transact("append", "a", "1") == (code, 1)
    assert await network.client.transact("append", "a", "2") == ("VALID", 2)
    assert await network.client.ask("read", "a") == b"2"


async def test_a_held_block_holds_back_those_behind_it_until_the_fault_is_lifted(network: Running) -> None:
    number = network.put("hold-blocks", function="append")
    (first_id, first), (second_id, second) = [
        await network.client.endorsed(*call) for call in (("append", "a", "1"), ("write", "b", "1"))
    ]
    async with network.client.stream(at(1)) as stream:
        await network.client.submit(first)
        assert (await failure(network.client.status(first_id, timeout_s=0.3))).code == "DEADLINE_EXCEEDED"
        await network.client.submit(second)
        assert (await failure(network.client.status(second_id, timeout_s=0.3))).code == "DEADLINE_EXCEEDED"
        network.lift(number)
        assert codes_of(await stream.block()) == [(first_id, "VALID")]
        assert codes_of(await stream.block()) == [(second_id, "VALID")]


async def test_a_block_is_held_back_for_a_time(network: Running) -> None:
    network.put("hold-blocks", for_s=0.5, count=1)
    started = time.monotonic()
    assert (await network.client.transact("write", "a", "1"))[0] == "VALID"
    assert time.monotonic() - started >= 0.5


@pytest.mark.parametrize(("when", "applied"), [("before", False), ("after", True)])
async def test_a_connection_breaks_before_or_after_the_effect_with_every_call_on_it(
    network: Running, when: str, applied: bool
) -> None:
    client = network.client
    transaction_id, envelope = await client.endorsed("write", "a", "1")
    waiting = asyncio.create_task(failure(client.status("T", timeout_s=20)))
    async with client.stream(OLDEST) as stream:
        await stream.block()
        network.put("drop-connection", call="submit", when=when, count=1)
        for call in (client.submit(envelope), stream.next(), waiting):
            broken = await call if call is waiting else await failure(call)
            assert (broken.code, broken.message) == ("UNAVAILABLE", "Stream removed (Socket closed)")
    if applied:
        assert (await client.status(transaction_id))[0] == "VALID"
    else:
        assert (await failure(client.status(transaction_id, timeout_s=0.3))).code == "DEADLINE_EXCEEDED"


async def test_a_limited_restart_begins_with_the_call_that_it_strikes(network: Running) -> None:
    network.put("restart", function="append", count=1, when="after", down_s=0.1, warm_up_s=0.0)
    assert (await network.client.transact("write", "a", "1"))[0] == "VALID"
    async with network.client.stream(OLDEST) as stream:
        await stream.block()
        await stream.block()
        endorsing = asyncio.create_task(network.client.endorsed("append", "a", "1"))
        assert (await failure(stream.next())).code == "UNAVAILABLE"
        await asyncio.wait({endorsing})
        endorsing.cancelled() or endorsing.exception()


async def test_calls_are_refused_as_if_the_gateway_were_full(network: Running) -> None:
    network.put("gateway-limit", identity="org1-admin", count=1)
    text = "too many requests for /gateway.Gateway, exceeding concurrency limit (500)"
    refused = Failure(code="UNKNOWN", message=text, details=None)
    assert await failure(network.client.ask("read", "a")) == refused
    assert await network.client.ask("read", "a") == b""


async def test_clocks_that_are_ahead_refuse_a_seek_and_see_certificates_expire(network: Running) -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    credential = network.simulator.keys.authorities[MSP1].issue("brief", "client", not_after=in_an_hour)
    client = network.as_member(Member(MSP1, credential))
    await client.endorsed("write", "a", "1")
    network.put("clock-skew", skew_s=7200)
    refused = await failure(client.endorsed("write", "a", "1"))
    assert refused == refused_at((P2, MSP2, "rpc error: code = Unknown desc = proposal client identity expired"))
    async with network.client.stream(OLDEST) as stream:
        assert await stream.status() == "BAD_REQUEST"


async def test_an_expired_certificate_is_seen_where_a_real_one_is(network: Running) -> None:
    _, envelope = await network.client.endorsed("write", "a", "1")
    network.put("expired-certificate", identity="org1-admin")
    client = network.client
    assert await failure(client.endorsed("write", "a", "1")) == refused_at(
        (P2, MSP2, "rpc error: code = Unknown desc = proposal client identity expired")
    )
    assert (await failure(client.submit(envelope))).message.endswith("info=broadcast client identity expired")
    assert await client.ask("read", "a") == b""
    async with client.stream(OLDEST) as stream:
        assert common_pb2.Status.Value(await stream.status()) == common_pb2.Status.FORBIDDEN
    await another(network).endorsed("write", "a", "1")


async def test_without_faults_nothing_is_disturbed(network: Running) -> None:
    network.put("refuse-endorsement")
    network.simulator.faults.clear()
    assert (await network.client.transact("write", "a", "1"))[0] == "VALID"
