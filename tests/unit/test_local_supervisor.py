from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.errors import StackFailed
from streams.local.process import Process
from streams.local.registry import Identity, identify
from streams.local.supervisor import Supervisor, restart_delay_s

DEADLINE_S = 20.0


def until(condition: Callable[[], object]) -> None:
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < due_at, "not in time"
        time.sleep(0.01)


def look_until(supervisor: Supervisor, condition: Callable[[], object]) -> None:
    def looked() -> object:
        supervisor.look()
        return condition()

    until(looked)


class Folder:
    """A supervisor's folder and what its children leave there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry = path / "processes.json"
        self.notices: list[str] = []

    def supervisor(self) -> Supervisor:
        return Supervisor(logs=self.path, registry=self.registry, notice=self.notices.append)

    def process(self, name: str, script: str = "import signal; signal.pause()", **how: object) -> Process:
        """A Python child that runs `script` and is healthy once it says so."""
        ready = self.path / f"{name}.ready"
        announce = f"import pathlib; pathlib.Path({str(ready)!r}).touch()"
        how.setdefault("healthy", ready.exists)
        return Process(name=name, argv=[sys.executable, "-c", f"{announce}\n{script}"], **how)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def supervisor(folder: Folder) -> Iterator[Supervisor]:
    with folder.supervisor() as supervisor:
        yield supervisor


def test_a_child_that_dies_is_restarted(folder: Folder, supervisor: Supervisor) -> None:
    supervisor.start(folder.process("worker"))
    first = supervisor.pid("worker")
    os.kill(first, signal.SIGKILL)

    look_until(supervisor, lambda: supervisor.pid("worker") != first)

    assert identify(supervisor.pid("worker"))
    look_until(supervisor, lambda: len(folder.notices) == 2)
    assert folder.notices == [
        f"worker (pid {first}) has ended (SIGKILL); starts again in 0.5 s",
        f"worker (pid {supervisor.pid('worker')}) is healthy again",
    ]


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly() -> None:
    delays = [restart_delay_s(deaths) for deaths in range(1, 12)]
    assert delays == sorted(delays)
    assert delays[:4] == [0.5, 1.0, 2.0, 4.0]
    assert delays[-1] == 30.0


def test_a_child_that_is_killed_on_purpose_comes_back_when_told_however_often(
    folder: Folder, supervisor: Supervisor
) -> None:
    supervisor.start(folder.process("worker"))
    pids = []
    for _ in range(3):
        pids.append(supervisor.pid("worker"))
        until(lambda: supervisor.kill("worker", back_after_s=0.1))
        look_until(supervisor, lambda: supervisor.pid("worker") != pids[-1])

    until(lambda: not supervisor.kill("worker"))  # dead by now, and nobody looks
    told = [notice for notice in folder.notices if "has ended" in notice]
    assert told == [f"worker (pid {pid}) has ended (SIGKILL); starts again in 0.1 s" for pid in pids]


def test_a_child_stands_still_until_it_is_told_to_go_on_and_a_dead_one_cannot(
    folder: Folder, supervisor: Supervisor
) -> None:
    supervisor.start(folder.process("worker"))
    status = Path(f"/proc/{supervisor.pid('worker')}/stat")
    go_on = supervisor.stall("worker")
    until(lambda: status.read_text().split()[2] == "T")
    assert go_on is not None
    assert go_on()
    until(lambda: status.read_text().split()[2] != "T")
    supervisor.kill("worker")
    until(lambda: supervisor.stall("worker") is None)
    assert go_on()


def test_a_child_whose_health_takes_long_to_ask_does_not_hold_up_the_restart_of_another(
    folder: Folder, supervisor: Supervisor
) -> None:
    asked: list[str] = []

    def slow(name: str) -> Callable[[], bool]:
        def healthy() -> bool:
            asked.append(name)
            return len(asked) <= 4  # while they start

        return healthy

    supervisor.start(*(folder.process(name, healthy=slow(name)) for name in ("a", "b", "c", "d")))
    before = [supervisor.pid(name) for name in ("a", "b", "c", "d")]
    for name in ("a", "b", "c", "d"):
        supervisor.kill(name)
    look_until(supervisor, lambda: not set(before) & {supervisor.pid(name) for name in ("a", "b", "c", "d")})

    asked.clear()
    asked.extend(["before"] * 4)
    for _ in range(8):
        supervisor.look()
    assert len(asked) == 4 + 8  # one a look
    assert set(asked[4:8]) == {"a", "b", "c", "d"}  # in turn


def test_a_restarted_child_that_is_not_healthy_in_time_is_killed(folder: Folder, supervisor: Supervisor) -> None:
    well = [True]
    supervisor.start(folder.process("worker", healthy=lambda: well[0], start_deadline_s=0.3))
    well[0] = False
    os.kill(supervisor.pid("worker"), signal.SIGKILL)

    look_until(supervisor, lambda: any("is not healthy after 0.3 s" in line for line in folder.notices))


def test_a_child_that_never_gets_healthy_is_named_with_the_end_of_its_log(
    folder: Folder, supervisor: Supervisor
) -> None:
    talk = "print('cannot find my disk', flush=True)\nimport signal; signal.pause()"
    log = folder.path / "slow.log"
    process = folder.process("slow", talk, healthy=lambda: False, start_deadline_s=1.0)

    with pytest.raises(StackFailed) as failure:
        supervisor.start(process)

    assert str(failure.value) == f"slow is not healthy after 1 s; the end of {log}:\n  | cannot find my disk"


def test_a_child_that_ends_while_another_comes_up_is_named(folder: Folder, supervisor: Supervisor) -> None:
    doomed = folder.process("doomed", "import sys; print('no memory', flush=True); sys.exit(3)")

    with pytest.raises(StackFailed, match=r"doomed has ended \(exit code 3\)[^$]*no memory"):
        supervisor.start(folder.process("slow", healthy=lambda: False), doomed)


def test_a_program_that_does_not_exist_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(StackFailed, match="ghost cannot be started"):
        supervisor.start(Process(name="ghost", argv=["/no/such/program"], healthy=lambda: True))


def test_children_are_stopped_in_reverse_order(folder: Folder) -> None:
    order = folder.path / "order"
    note = f"""
import signal, sys
def stop(*_):
    print(sys.argv[1], file=open({str(order)!r}, 'a'), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
import pathlib; pathlib.Path({str(folder.path)!r}, sys.argv[1]).touch()
signal.pause()
"""
    with folder.supervisor() as supervisor:
        for name in ("first", "second", "third"):
            argv = [sys.executable, "-c", note, name]
            supervisor.start(Process(name=name, argv=argv, healthy=(folder.path / name).exists))

    assert order.read_text().split() == ["third", "second", "first"]


def test_a_child_that_will_not_stop_is_killed_at_its_deadline(folder: Folder) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nsignal.pause()"
    log = folder.path / "deaf.log"
    with folder.supervisor() as supervisor:
        supervisor.start(folder.process("deaf", deaf, healthy=lambda: b"deaf" in log.read_bytes(), stop_deadline_s=0.2))
        child = identify(supervisor.pid("deaf"))

    assert child is not None
    assert not child.is_alive


def test_everything_is_stopped_when_the_start_fails(folder: Folder) -> None:
    started: list[Identity | None] = []

    def start() -> None:
        with folder.supervisor() as supervisor:
            supervisor.start(folder.process("good"))
            started.append(identify(supervisor.pid("good")))
            supervisor.start(folder.process("bad", "raise SystemExit(1)", healthy=lambda: False))

    with pytest.raises(StackFailed, match="bad has ended"):
        start()

    good = started[0]
    assert good is not None
    assert not good.is_alive
    assert not folder.registry.exists()


def test_the_log_of_an_earlier_run_is_kept(folder: Folder) -> None:
    for run in ("earlier", "later"):
        with folder.supervisor() as supervisor:
            log = folder.path / "worker.log"
            talk = f"print({run!r}, flush=True)\nimport signal; signal.pause()"
            spoken = lambda run=run, log=log: run.encode() in log.read_bytes()  # noqa: E731
            supervisor.start(folder.process("worker", talk, healthy=spoken))

    assert log.read_text() == "later\n"
    assert log.with_suffix(".log.1").read_text() == "earlier\n"
