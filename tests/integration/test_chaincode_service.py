"""The chaincode as a service, called by a scripted peer over the real stream."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from shim_peer import Message, Peer, connected, creator, response_of

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import load_roles
from streams.chaincode.shim.server import serve
from streams.errors import StackFailed

SUPER_ADMIN, PARTNER = creator("gx_super_admin"), creator("gx_partner_api", "partner")
PACKAGE_ID = "gxtv3_1:0123"


@pytest.fixture
def address() -> Iterator[str]:
    with serve(ReferenceChaincode(load_roles("operations")), PACKAGE_ID, "127.0.0.1:0") as listening:
        yield listening


@pytest.fixture
async def peer(address: str) -> AsyncIterator[Peer]:
    async with connected(address) as made:
        yield made


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (nobody signals it)
            await asyncio.sleep(0.01)


async def test_it_registers_under_its_package_id(peer: Peer) -> None:
    assert peer.registered.result() == PACKAGE_ID


async def test_reads_come_first_and_writes_after_the_chaincode_has_returned(peer: Peer) -> None:
    done = await peer.call("AdminContract:BootstrapSystem", by=SUPER_ADMIN, transaction_id="t")
    assert response_of(done).status == 200
    kinds = [question.split()[0] for question in peer.asked["t"]]
    assert kinds == sorted(kinds)  # GET_STATE before PUT_STATE
    assert {"GET_STATE", "PUT_STATE"} == set(kinds)


async def test_the_event_comes_with_the_answer(peer: Peer) -> None:
    done = await peer.call("AdminContract:BootstrapSystem", by=SUPER_ADMIN, transaction_id="t")
    assert (done.chaincode_event.event_name, done.chaincode_event.tx_id) == ("SystemBootstrapped", "t")
    assert json.loads(done.chaincode_event.payload) is not None


async def test_a_refusal_has_its_status_its_text_and_no_writes(peer: Peer) -> None:
    done = await peer.call("AdminContract:BootstrapSystem", by=PARTNER, transaction_id="t")
    refused = response_of(done)
    assert refused.status == 500
    assert refused.message.startswith("authorization failed: client 'partner' does not have the required role")
    assert not done.HasField("chaincode_event")
    assert peer.asked.get("t", []) == []


async def test_a_certificate_without_the_extension_has_no_role(peer: Peer) -> None:
    refused = response_of(await peer.call("AdminContract:BootstrapSystem", by=creator(None, "bare")))
    assert refused.message == "failed to get attribute 'gxc_role' of client 'bare'"


async def test_the_command_id_travels_in_the_transient_map(peer: Peer) -> None:
    peer.entries["cmd~c1"] = b"an earlier transaction"
    call = ("AdminContract:BootstrapSystem",)
    refused = response_of(await peer.call(*call, by=SUPER_ADMIN, transient={"command_id": b"c1"}))
    assert (refused.status, refused.message) == (
        409,
        "command c1 already applied by transaction an earlier transaction",
    )


async def test_an_empty_call_and_bytes_that_are_no_text_are_refused_and_end_nothing(peer: Peer) -> None:
    assert response_of(await peer.call(by=PARTNER)).message.startswith("Blank function name")
    assert response_of(await peer.call(b"\xff:\xff", by=PARTNER)).status == 500
    assert response_of(await peer.call("TokenomicsContract:GetTotalSupply", by=PARTNER))


async def test_calls_run_side_by_side_and_answers_find_their_call(peer: Peer) -> None:
    accounts = [f"account~{number}" for number in range(20)]
    first = asyncio.create_task(peer.call("TokenomicsContract:GetBalance", "slow", by=PARTNER))
    await eventually(lambda: bool(peer.asked))
    key = next(iter(peer.asked.values()))[0].removeprefix("GET_STATE ")
    assert key.endswith("slow")
    await first
    release = peer.held[key] = asyncio.Event()
    waiting = asyncio.create_task(peer.call("TokenomicsContract:GetBalance", "slow", by=PARTNER))
    others = await asyncio.gather(
        *(peer.call("TokenomicsContract:GetBalance", account, by=PARTNER) for account in accounts)
    )
    for account, answer in zip(accounts, others, strict=True):
        assert response_of(answer).message == f"balance for account {account} not found"
    assert not waiting.done()
    release.set()
    assert response_of(await waiting).message == "balance for account slow not found"


async def test_a_second_call_with_an_id_that_still_runs_is_an_error(peer: Peer) -> None:
    await peer.call("TokenomicsContract:GetBalance", "slow", by=PARTNER, transaction_id="t")
    key = peer.asked["t"][0].removeprefix("GET_STATE ")
    release = peer.held[key] = asyncio.Event()
    first = asyncio.create_task(peer.call("TokenomicsContract:GetBalance", "slow", by=PARTNER, transaction_id="u"))
    await eventually(lambda: "u" in peer.asked)
    second = asyncio.create_task(peer.call("TokenomicsContract:GetBalance", "slow", by=PARTNER, transaction_id="u"))
    assert (await first).type == (await second).type == Message.ERROR
    release.set()


async def test_what_the_peer_cannot_answer_ends_the_call_with_an_error(peer: Peer) -> None:
    await peer.call("TokenomicsContract:GetBalance", "a", by=PARTNER, transaction_id="t")
    peer.broken.add(peer.asked["t"][0].removeprefix("GET_STATE "))
    done = await peer.call("TokenomicsContract:GetBalance", "a", by=PARTNER)
    assert (done.type, done.payload) == (Message.ERROR, b"GET_STATE failed")
    assert response_of(await peer.call("TokenomicsContract:GetBalance", "b", by=PARTNER)).status == 500


async def test_a_range_is_read_page_by_page_to_its_end(peer: Peer) -> None:
    for number in range(5):
        peer.entries[f"account~{number}"] = b'{"kind":"user","balance":10}'
    done = await peer.call("TokenomicsContract:GetTotalSupply", by=PARTNER, transaction_id="t")
    assert json.loads(response_of(done).payload)["held"] == 50
    kinds = [question.split()[0] for question in peer.asked["t"]]
    accounts, fees = ["GET_STATE_BY_RANGE", "QUERY_STATE_NEXT", "QUERY_STATE_NEXT"], ["GET_STATE_BY_RANGE"]
    assert kinds == ["GET_STATE", *accounts, *fees]


async def test_a_keepalive_is_sent_back(peer: Peer) -> None:
    assert (await peer.keep_alive()).type == Message.KEEPALIVE


async def test_two_peers_are_served_and_one_that_leaves_in_a_call_disturbs_nobody(address: str, peer: Peer) -> None:
    async with connected(address) as other:
        await other.call("TokenomicsContract:GetBalance", "slow", by=PARTNER, transaction_id="t")
        other.held[other.asked["t"][0].removeprefix("GET_STATE ")] = asyncio.Event()
        lost = asyncio.create_task(other.call("TokenomicsContract:GetBalance", "slow", by=PARTNER, transaction_id="u"))
        await eventually(lambda: "u" in other.asked)
    lost.cancel()
    assert response_of(await peer.call("TokenomicsContract:GetBalance", "a", by=PARTNER)).status == 500


def test_an_address_that_is_taken_is_refused(address: str) -> None:
    chaincode = ReferenceChaincode(load_roles("operations"))
    with pytest.raises(StackFailed, match=f"cannot listen on {address}"), serve(chaincode, PACKAGE_ID, address):
        pass


async def test_the_process_serves_and_stops_on_sigterm() -> None:
    argv = ("-m", "streams.chaincode", "--listen", "127.0.0.1:0", "--package-id", PACKAGE_ID)
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=PIPE, stderr=PIPE)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        async with connected(line.removeprefix("listening on ").strip()) as peer:
            assert response_of(await peer.call("AdminContract:BootstrapSystem", by=SUPER_ADMIN)).status == 200
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_an_unknown_role_map_is_one_clear_line() -> None:
    argv = ("-m", "streams.chaincode", "--listen", "127.0.0.1:0", "--package-id", "p", "--roles", "nobody")
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=PIPE, stderr=PIPE)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert errors.decode().startswith("chaincode: there is no role map 'nobody'")
    assert len(errors.splitlines()) == 1
