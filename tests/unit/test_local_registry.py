from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.local.process import Process
from streams.local.registry import identify, read_registry, stop_supervisor
from streams.local.signals import ending_as_interrupt
from streams.local.supervisor import Supervisor

DEADLINE_S = 20.0


def until(condition: Callable[[], object]) -> None:
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < due_at, "not in time"
        time.sleep(0.01)


def sleeper(name: str) -> Process:
    return Process(name=name, argv=["sleep", "60"], healthy=lambda: True)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "processes.json"


def test_the_registry_names_the_supervisor_and_its_children(registry: Path) -> None:
    with Supervisor(logs=registry.parent, registry=registry) as supervisor:
        supervisor.start(sleeper("one"), sleeper("two"))
        running = read_registry(registry)
        pids = {name: supervisor.pid(name) for name in ("one", "two")}

    assert running is not None
    assert running.supervisor.pid == os.getpid()
    assert {name: child.pid for name, child in running.processes.items()} == pids
    assert read_registry(registry) is None


SUPERVISING = """
import sys, time
from pathlib import Path
from streams.local.process import Process
from streams.local.signals import ending_as_interrupt
from streams.local.supervisor import Supervisor
folder = Path(sys.argv[1])
child = Process(name="child", argv=["sleep", "60"], healthy=lambda: True)
try:
    with ending_as_interrupt(), Supervisor(logs=folder, registry=folder / "processes.json") as supervisor:
        supervisor.start(child)
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.fixture
def supervising(registry: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that supervises one child."""
    process = subprocess.Popen([sys.executable, "-c", SUPERVISING, registry.parent], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_children_die_with_a_killed_supervisor(registry: Path, supervising: subprocess.Popen[str]) -> None:
    running = read_registry(registry)
    assert running is not None
    child = running.processes["child"]
    assert child.is_alive

    supervising.kill()

    until(lambda: not child.is_alive)
    until(lambda: read_registry(registry) is None)


def test_a_supervisor_asked_to_stop_stops_its_children_and_ends(
    registry: Path, supervising: subprocess.Popen[str]
) -> None:
    running = read_registry(registry)
    assert running is not None

    assert stop_supervisor(registry, deadline_s=DEADLINE_S)

    assert not running.processes["child"].is_alive
    assert supervising.stdout is not None
    assert supervising.stdout.read() == "stopped\n"
    assert not stop_supervisor(registry)


def test_a_pid_that_belongs_to_another_process_now_is_not_alive() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert me.is_alive
    assert not type(me)(me.pid, me.started_ticks - 1).is_alive


def test_a_termination_signal_interrupts_like_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ending_as_interrupt(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
