"""Breaks connections that gRPC has accepted, which it cannot do itself: the socket is shut down under it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator


def drop(client: str) -> None:
    """Break the connections from this client, named as gRPC names it: `ipv4:127.0.0.1:PORT`."""
    address = tuple(client.removeprefix("ipv4:").rpartition(":")[::2])
    for connection in _sockets():
        if _is_connected_to(connection, address):
            connection.shutdown(socket.SHUT_RDWR)


def drop_all(port: int) -> None:
    """Break every connection that was accepted on this port."""
    for connection in _sockets():
        if connection.getsockname()[1] == port and _is_connected(connection):
            connection.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """The process's IPv4 stream sockets, each as a duplicate that is closed afterwards."""
    for name in os.listdir("/dev/fd"):
        try:
            duplicate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            # No socket, or closed since it was listed.
            continue
        with duplicate:
            if duplicate.family == socket.AF_INET and duplicate.type == socket.SOCK_STREAM:
                yield duplicate


def _is_connected(connection: socket.socket) -> bool:
    try:
        connection.getpeername()
    except OSError:
        return False
    return True


def _is_connected_to(connection: socket.socket, address: tuple[str, ...]) -> bool:
    host, port = address
    return _is_connected(connection) and connection.getpeername() == (host, int(port))
