"""Breaks connections that gRPC has accepted, which it cannot do itself: the socket is shut down under it."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator

_MAPPED = "::ffff:"
"""gRPC takes IPv4 connections on IPv6 sockets."""


def drop(client: str) -> None:
    """Break the connections from this client, named as gRPC names it: `ipv4:127.0.0.1:PORT`."""
    host, _, port = client.removeprefix("ipv4:").rpartition(":")
    for connection in _connections():
        peer_host, peer_port, *_ = connection.getpeername()
        if (peer_host.removeprefix(_MAPPED), peer_port) == (host, int(port)):
            _break(connection)


def drop_all(port: int, *, also_listening: bool) -> None:
    """Break every connection that was accepted on this port, and perhaps stop accepting more.

    gRPC logs an error when the socket that it accepts from is gone.
    """
    of_port = [each.dup() for each in _sockets() if each.getsockname()[1] == port]
    # The one that listens first: a client comes back at once.
    for each in sorted(of_port, key=_listens, reverse=True):
        with each:
            if also_listening or not _listens(each):
                _break(each)


def _break(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise  # else the client was faster


def _listens(each: socket.socket) -> bool:
    return bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _connections() -> Iterator[socket.socket]:
    return (each for each in _sockets() if _is_connected(each))


def _sockets() -> Iterator[socket.socket]:
    """The process's TCP sockets, each as a duplicate that is closed afterwards."""
    for name in os.listdir("/dev/fd"):
        duplicate = _duplicate(int(name))
        if duplicate is not None:
            with duplicate:
                if duplicate.family in (socket.AF_INET, socket.AF_INET6) and duplicate.type == socket.SOCK_STREAM:
                    yield duplicate


def _duplicate(descriptor: int) -> socket.socket | None:
    """The socket behind a descriptor; None for a file, or when it was closed since it was listed."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        return socket.socket(fileno=os.dup(descriptor))
    except OSError as error:
        if error.errno == errno.EBADF:
            return None
        raise


def _is_connected(connection: socket.socket) -> bool:
    try:
        connection.getpeername()
    except OSError:
        return False
    return True
