from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import StackFailed
from streams.local.ports import HOST, choose_ports, is_free, is_open


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as server:
        yield server


def test_ports_are_remembered(tmp_path: Path) -> None:
    first = choose_ports(tmp_path / "ports.json", ["a", "b", "c"])

    assert len(set(first.values())) == 3
    assert choose_ports(tmp_path / "ports.json", ["a", "b", "c"]) == first


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    before = choose_ports(file, ["a", "b"])

    with socket.create_server((HOST, before["a"])):
        after = choose_ports(file, ["a", "b"])

    assert after["a"] != before["a"]
    assert after["b"] == before["b"]
    assert choose_ports(file, ["a"]) == {"a": after["a"]}


def test_a_port_that_is_set_is_used(tmp_path: Path) -> None:
    free = choose_ports(tmp_path / "other.json", ["x"])["x"]
    assert choose_ports(tmp_path / "ports.json", ["a", "b"], {"b": free})["b"] == free


def test_a_port_that_is_set_and_taken_is_refused_by_name(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(StackFailed, match=f"port {port}, set for kafka"):
        choose_ports(tmp_path / "ports.json", ["kafka"], {"kafka": port})


def test_a_port_that_is_listened_on_is_open_and_not_free(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert is_open(port)
    assert not is_free(port)
    listener.close()
    assert not is_open(port)
    assert is_free(port)
