"""Free ports, chosen once per state folder and remembered, so that addresses survive a restart.

They are looked for below the range that Linux hands to outgoing connections (32768 and up by default):
otherwise such a connection may take a port between our choosing and our listening.
"""

from __future__ import annotations

import json
import random
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path

from streams.errors import StackFailed

HOST = "127.0.0.1"
_LOWEST, _HIGHEST, _TRIES = 15_000, 32_000, 1000


def choose_ports(file: Path, names: Iterable[str], wanted: Mapping[str, int] | None = None) -> dict[str, int]:
    """A port for each name: the one `wanted`, else the one remembered in `file`, else a new free one.

    A remembered port that somebody else listens on is replaced. Raises StackFailed when a wanted one is taken.
    """
    remembered: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    chosen: dict[str, int] = {}
    for name in names:
        port = (wanted or {}).get(name)
        if port is not None and not is_free(port):
            raise StackFailed(f"port {port}, set for {name}, is taken by another process")
        if port is None:
            port = remembered.get(name)
        if port is None or port in chosen.values() or not is_free(port):
            port = _free_port({*chosen.values(), *remembered.values()})
        chosen[name] = port
    file.write_text(json.dumps(remembered | chosen, indent=2) + "\n")
    return chosen


def is_free(port: int) -> bool:
    """Nobody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do: a port whose old connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Somebody accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def is_ready(url: str) -> bool:
    """The process that answers at this base URL says on /ready that it is."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:  # noqa: S310 - an address of ours
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _free_port(taken: set[int]) -> int:
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - not a secret
        if port not in taken and is_free(port):
            return port
    raise StackFailed(f"no free port of 127.0.0.1 found between {_LOWEST} and {_HIGHEST}")
