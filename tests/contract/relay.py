"""A second address for a simulator: relays that can be closed and opened, so that one of several gateways is down."""

from __future__ import annotations

import asyncio
import contextlib


class Relay:
    """Carries bytes between its own port and `target` (`host:port`). `is_hanging`: takes them and keeps them."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.connections = 0
        self.is_hanging = False
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Listen, always on the same port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections and break the open ones off."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        host, _, port = self.target.rpartition(":")
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            try:
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            finally:
                far_writer.transport.abort()
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            while self.is_hanging:  # noqa: ASYNC110 (switched by hand in a test)
                await asyncio.sleep(0.01)
            writer.write(chunk)
            await writer.drain()
        writer.close()
