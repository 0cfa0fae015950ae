"""An address of the simulator goes away although gRPC does not let go of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streams.simulator.listener import Listener
from streams.simulator.wallet import network_keys


async def test_a_call_that_grpc_waits_for_without_end_holds_up_neither_the_stop_nor_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = network_keys(tmp_path).server
    listener = Listener("127.0.0.1:0", credential, {})
    await listener.start()
    server = listener._server
    assert server is not None

    async def never(_: float | None) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(server, "stop", never)
        patched.setattr("streams.simulator.listener._STOPPED_WITHIN_S", 0.1)
        async with asyncio.timeout(10):
            await listener.stop()
    again = Listener(listener.address, credential, {})
    await again.start()
    await again.stop()
    await server.stop(None)
