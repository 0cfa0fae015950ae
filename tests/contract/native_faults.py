"""Parts of a real network that hang, and waiting for what its gateway then says."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from native_network import NativeNetwork
from wire_network import Said, Wire, create_user, said

from streams.local.fabric.layout import ORGANISATIONS

OWN_PEER, OTHER_PEER = (organisation.process for organisation in ORGANISATIONS)
NO_ORDERERS = "no orderers could successfully process transaction"
NO_PEERS = (
    "no combination of peers can be derived which satisfy the endorsement policy: "
    "no peer combination can satisfy the endorsement policy"
)
SERVED: Said = ("OK", "", None)


@contextmanager
def frozen(native: NativeNetwork, part: str) -> Iterator[None]:
    """The part hangs: its connections stay open and nobody answers."""
    with _stopped(native.parts()[part].pid):
        yield


@contextmanager
def down(native: NativeNetwork, part: str, how: signal.Signals = signal.SIGKILL) -> Iterator[None]:
    """The part has ended, and is started again afterwards only: until then its supervisor is stopped."""
    with _stopped(native.supervisor_pid):
        os.kill(native.parts()[part].pid, how)
        yield


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        due_at = time.monotonic() + 20
        while not all(state == "T" for state in states(pid)):
            assert time.monotonic() < due_at, f"process {pid} does not stop"
            time.sleep(0.005)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def states(pid: int) -> list[str]:
    """Of every thread, as the kernel shows it: T is stopped."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [(thread / "stat").read_text().rpartition(") ")[2][0] for thread in threads]


async def answer_of(call: Awaitable[object]) -> Said:
    """What a call says that may also succeed."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        failed = error

        async def again() -> None:
            raise failed

        return await said(again())
    return SERVED


async def until_committed(wire: Wire) -> int:
    """The block of a transaction that is carried out as soon as the network is well again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return (await wire.committed(*create_user()))[1]
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)


async def seen(ask: Callable[[], Awaitable[Said]], is_it: Callable[[Said], bool]) -> Said:
    """Ask until the answer is the one that is waited for."""
    last = SERVED
    try:
        async with asyncio.timeout(60):
            while True:
                last = await ask()
                if is_it(last):
                    return last
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"the last answer was {last}") from None


def endorsing(wire: Wire, *organisations: str) -> Callable[[], Awaitable[Said]]:
    return lambda: answer_of(wire.client.endorse(wire.client.member.propose(*create_user()), *organisations))


def details(answer: Said) -> str:
    return " ".join(text for _, text in answer[2] or ())
