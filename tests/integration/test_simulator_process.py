"""The simulator as a child process, with the reference chaincode."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from simulator_client import CHANNEL, Client
from simulator_member import Member


@asynccontextmanager
async def child(folder: Path, *more: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.simulator", "--state", str(folder / "state")),
        *("--wallet", str(folder / "wallet"), "--block-interval-s", "0.05", *more),
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def address_of(process: Process) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    return line.decode().removeprefix("listening on ").strip()


@asynccontextmanager
async def connected(folder: Path, address: str) -> AsyncIterator[Client]:
    credentials = grpc.ssl_channel_credentials((folder / "wallet" / "tlsca-cert").read_bytes())
    async with grpc.aio.secure_channel(address, credentials) as channel:
        yield Client(channel, Member.of_wallet(folder / "wallet", "org1-super-admin"))


async def test_a_child_process_serves_the_reference_chaincode_and_stops_on_sigterm(tmp_path: Path) -> None:
    async with child(tmp_path, "--identity", "org1-super-admin=gx_super_admin") as process:
        async with connected(tmp_path, await address_of(process)) as client:
            assert await client.query("GetChainInfo", CHANNEL)
            assert await client.transact("AdminContract:BootstrapSystem") == ("VALID", 1)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


async def test_what_was_committed_is_there_after_a_kill(tmp_path: Path) -> None:
    identity = ("--identity", "org1-super-admin=gx_super_admin")
    async with child(tmp_path, *identity) as process, connected(tmp_path, await address_of(process)) as client:
        transaction_id, envelope = await client.endorsed("AdminContract:BootstrapSystem")
        await client.submit(envelope)
        committed = await client.status(transaction_id)
        process.kill()
        await process.wait()
    async with child(tmp_path, *identity) as process, connected(tmp_path, await address_of(process)) as client:
        assert await client.status(transaction_id) == committed == ("VALID", 1)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "complaint"),
    [
        (["--identity", "nobody"], 2, "'nobody' is not NAME=ROLE"),
        (["--identity", "a=r@NoMSP"], 2, "NoMSP is not one of Org1MSP, Org2MSP"),
        (["--block-interval-s", "0"], 2, "must be greater than 0"),
        (["--state", "/dev/null"], 1, "/dev/null cannot be a folder of the simulator: File exists"),
        (["--roles", "nobody"], 1, "there is no role map 'nobody'"),
        (["--listen", "192.0.2.1:1"], 1, "cannot listen on 192.0.2.1:1: Cannot assign requested address"),
        (["--listen", "127.0.0.1:99999"], 2, "'127.0.0.1:99999' is not HOST:PORT with a port up to 65535"),
        (["--org2-listen", "127.0.0.1:-5"], 2, "'127.0.0.1:-5' is not HOST:PORT"),
        (["--orderer-listen", "foo"], 2, "'foo' is not HOST:PORT"),
    ],
)
async def test_a_wrong_call_is_one_clear_line(
    tmp_path: Path, arguments: list[str], exit_code: int, complaint: str
) -> None:
    async with child(tmp_path, *arguments) as process:
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == exit_code
    assert complaint in errors.decode().splitlines()[-1]
    assert b"Traceback" not in errors


@pytest.mark.parametrize("option", ["--listen", "--control"])
async def test_a_taken_address_is_one_line_and_nothing_is_announced(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with child(tmp_path, option, address) as process:
            output, errors = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, output) == (1, b"")
    [complaint] = errors.decode().splitlines()
    assert f"cannot listen on {address}: " in complaint
    assert "Address already in use" in complaint


async def test_with_a_core_of_its_own_only_the_loop_is_in_a_hurry(tmp_path: Path) -> None:
    async with (
        child(tmp_path, "--identity", "org1-super-admin=gx_super_admin", "--own-core") as process,
        connected(tmp_path, await address_of(process)) as client,
    ):
        policies = [os.sched_getscheduler(int(thread)) for thread in os.listdir(f"/proc/{process.pid}/task")]
        assert os.sched_getscheduler(process.pid) == os.SCHED_OTHER
        assert os.SCHED_IDLE in policies
        assert (await client.transact("AdminContract:BootstrapSystem"))[0] == "VALID"
