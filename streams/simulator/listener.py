"""One address of the network with the services behind it; it can go away and come back."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from typing import Any

import grpc

from streams.errors import StackFailed
from streams.simulator import connections
from streams.simulator.certificates import Credential

MESSAGE_MAX_BYTES = 100 * 1024 * 1024
"""The largest gRPC message that a Fabric peer takes or sends (comm.DefaultMaxRecvMsgSize)."""

_STOPPED_WITHIN_S = 2.0
"""gRPC for Python sometimes waits for ever for a call that its client cancelled when it had just begun."""

_CALLS_WAITING = 100_000
_OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_MAX_BYTES),
    ("grpc.max_send_message_length", MESSAGE_MAX_BYTES),
    # Without it, a second server on the port would silently take half of the connections.
    ("grpc.so_reuseport", 0),
    # gRPC for C++ answers CANCELLED to some calls when many wait; the one for Go, in a peer, lets them wait.
    ("grpc.server.max_pending_requests", _CALLS_WAITING),
    ("grpc.server.max_pending_requests_hard_limit", _CALLS_WAITING),
]

log = logging.getLogger(__name__)


class Listener:
    """`services` maps the full name of each gRPC service to its handlers."""

    def __init__(self, listen: str, credential: Credential, services: Mapping[str, Mapping[str, Any]]) -> None:
        self.address = listen
        self._credential = credential
        self._services = services
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listen; afterwards `address` names the port. Raises StackFailed."""
        server = grpc.aio.server(options=_OPTIONS)
        for name, handlers in self._services.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, dict(handlers)),))
        credentials = grpc.ssl_server_credentials([(self._credential.key_pem, self._credential.certificate_pem)])
        try:
            _try_to_listen(self.address)
            port = server.add_secure_port(self.address, credentials)
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "the address is taken"
            raise StackFailed(f"cannot listen on {self.address}: {reason}") from error
        self.address = f"{self.address.rpartition(':')[0]}:{port}"
        self._server = server
        await server.start()

    async def stop(self) -> None:
        """Stop listening. As with a Fabric peer that is stopped, open calls end with their connections."""
        await self._end(also_listening=False)

    async def break_off(self) -> None:
        """The same, but refuse new connections first, so that nobody is let in meanwhile."""
        await self._end(also_listening=True)

    async def _end(self, *, also_listening: bool) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        port = int(self.address.rpartition(":")[2])
        connections.drop_all(port, also_listening=also_listening)
        stopping = asyncio.create_task(server.stop(None))
        done, _ = await asyncio.wait({stopping}, timeout=_STOPPED_WITHIN_S)
        if done:
            await stopping
        else:
            log.warning(
                "gRPC still waits for a call at %s that has ended; the address is freed without it", self.address
            )
            connections.drop_all(port, also_listening=True)


def _try_to_listen(address: str) -> None:
    """Raise OSError with the reason, which gRPC would write to standard error and not tell."""
    host, _, port = address.rpartition(":")
    [(family, kind, protocol, _, place), *_] = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    with socket.socket(family, kind, protocol) as probe:
        # As gRPC does: a port whose old connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)
