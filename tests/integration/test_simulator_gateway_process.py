"""A gateway that is stopped, killed, frozen or spoken to wrongly, and clients that give up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from simulator_answers import MSP1, at, codes_of, failure
from simulator_client import OLDEST, Running, running
from simulator_member import Member
from test_simulator_process import address_of, child, connected

IDENTITY = ("--identity", "org1-super-admin=gx_super_admin")


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_open_calls_of_a_gateway_that_ends_are_cut_off_whatever_ended_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with child(tmp_path, *IDENTITY) as process, connected(tmp_path, await address_of(process)) as client:
        waiting = asyncio.create_task(failure(client.status("T", timeout_s=20)))
        async with client.stream(OLDEST) as stream:
            await stream.block()
            process.send_signal(number)
            for call in (waiting, failure(stream.next())):
                broken = await call
                assert broken.code == "UNAVAILABLE"
                assert "Socket closed" in broken.message or "Connection reset by peer" in broken.message
        await process.wait()
        refused = await failure(client.status("T", timeout_s=5))
        assert (refused.code, refused.details) == ("UNAVAILABLE", None)
        assert refused.message.startswith("failed to connect to all addresses; last error: ")


async def test_a_gateway_that_hangs_answers_nobody_until_the_deadline(tmp_path: Path) -> None:
    async with child(tmp_path, *IDENTITY) as process, connected(tmp_path, await address_of(process)) as client:
        assert (await client.transact("AdminContract:BootstrapSystem"))[0] == "VALID"
        process.send_signal(signal.SIGSTOP)
        hung = await failure(client.status("T", timeout_s=0.3))
        assert (hung.code, hung.details) == ("DEADLINE_EXCEEDED", None)
        process.send_signal(signal.SIGCONT)
        async with client.stream(at(1)) as stream:
            assert (await stream.block()).number == 1


async def test_a_name_that_is_not_in_the_certificate_is_not_connected(network: Running, tmp_path: Path) -> None:
    credentials = grpc.ssl_channel_credentials((tmp_path / "wallet" / "tlsca-cert").read_bytes())
    options = [("grpc.ssl_target_name_override", "other.example.com")]
    async with grpc.aio.secure_channel(network.simulator.address, credentials, options) as channel:
        refused = await failure(gateway_pb2_grpc.GatewayStub(channel).Endorse(gateway_pb2.EndorseRequest(), timeout=5))
    assert refused.code == "UNAVAILABLE"
    assert "Hostname Verification Check failed" in refused.message


async def test_plain_text_is_not_connected(network: Running) -> None:
    async with grpc.aio.insecure_channel(network.simulator.address) as channel:
        refused = await failure(gateway_pb2_grpc.GatewayStub(channel).Endorse(gateway_pb2.EndorseRequest(), timeout=5))
    assert refused.code == "UNAVAILABLE"


@pytest.mark.parametrize("transaction_id", ["", "junk", "0" * 64])
async def test_a_status_of_any_unknown_id_waits(network: Running, transaction_id: str) -> None:
    unknown = await failure(network.client.status(transaction_id, timeout_s=0.1))
    assert (unknown.code, unknown.details) == ("DEADLINE_EXCEEDED", None)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_deadline_below_the_duration_of_submit_leaves_open_what_resubmitting_settles(
    network: Running, when: str
) -> None:
    transaction_id, envelope = await network.client.endorsed("append", "a", "1")
    network.put("late", call="submit", when=when, delay_s=0.3, count=1)
    request = network.client.submit_request(envelope)
    hurried = await failure(network.client.gateway.Submit(request, timeout=0.05))
    assert hurried.code == "DEADLINE_EXCEEDED"
    await network.client.submit(envelope)
    assert (await network.client.status(transaction_id))[0] == "VALID"
    assert await network.client.ask("read", "a") == b"1"


async def test_what_was_submitted_before_the_certificate_expires_commits_after_it(tmp_path: Path) -> None:
    async with running(tmp_path, block_interval_s=1.5) as network:
        soon = datetime.now(UTC) + timedelta(seconds=1)
        credential = network.simulator.keys.authorities[MSP1].issue("short-lived", "client", not_after=soon)
        client = network.as_member(Member(MSP1, credential))
        transaction_id, envelope = await client.endorsed("write", "a", "1")
        async with network.client.stream(at(1)) as stream:
            await client.submit(envelope)
            assert codes_of(await stream.block()) == [(transaction_id, "VALID")]
        assert datetime.now(UTC) > soon
