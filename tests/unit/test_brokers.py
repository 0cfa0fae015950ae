"""A worker waits for its brokers."""

from __future__ import annotations

import asyncio
import socket

from structlog.testing import capture_logs

from streams.telemetry import Event
from streams.workers.brokers import reachable


def nobodys_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_one_broker_that_takes_connections_is_enough() -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with capture_logs() as lines:
            await asyncio.wait_for(reachable([("127.0.0.1", nobodys_port()), ("127.0.0.1", port)]), 10.0)
    assert lines == []


async def test_a_broker_that_comes_later_is_waited_for_and_that_is_told_once() -> None:
    port = nobodys_port()
    with capture_logs() as lines:
        waiting = asyncio.create_task(reachable([("127.0.0.1", port)]))
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            await asyncio.wait_for(waiting, 10.0)
    assert [line["event"] for line in lines] == [Event.KAFKA_UNREACHABLE]
