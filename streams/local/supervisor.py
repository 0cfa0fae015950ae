"""Starts child processes, restarts those that die, stops all of them in reverse."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.errors import StackFailed
from streams.local.process import Child, Process, describe_exit
from streams.local.registry import write_registry
from streams.local.signals import uninterrupted

_POLL_S = 0.05
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_STEADY_AFTER_S = 60.0


def restart_delay_s(deaths: int) -> float:
    """How long to wait before the start that follows the `deaths`-th death in short succession, seconds."""
    return float(min(_FIRST_DELAY_S * 2 ** (deaths - 1), _LONGEST_DELAY_S))


@dataclass(slots=True)
class _Watched:
    """A child under supervision. `restart_at` while it is dead; `healthy_by` while a restarted one comes up.

    `back_after_s`: it was killed on purpose, and is to start again after this time. `asked_at`: about its health.
    """

    child: Child
    group: int
    deaths: int = 0
    restart_at: float | None = None
    healthy_by: float | None = None
    back_after_s: float | None = None
    asked_at: float = 0.0


class Supervisor:
    """Owns child processes; a context manager that stops them however it is left.

    Processes of one `spawn` start together and are stopped together. `notice` gets one line per event.
    Use it from one thread that lives as long as the children (see Child).
    """

    def __init__(self, *, logs: Path, registry: Path, notice: Callable[[str], None] = lambda _: None) -> None:
        self._logs = logs
        self._registry = registry
        self._notice = notice
        self._watched: dict[str, _Watched] = {}
        self._groups = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *processes: Process) -> None:
        """Start them together and wait until each is healthy. Raises StackFailed naming the one that is not."""
        self.spawn(*processes)
        self.wait_healthy(*(process.name for process in processes))

    def spawn(self, *processes: Process) -> None:
        """Start them, without waiting. A log of an earlier run is kept as `<name>.log.1`."""
        self._groups += 1
        for process in processes:
            if process.name in self._watched:
                raise StackFailed(f"{process.name} is running already")
            log = self._logs / f"{process.name}.log"
            if log.exists():
                log.replace(log.with_suffix(".log.1"))
            self._watched[process.name] = _Watched(Child(process, log), self._groups)
        self._write_registry()

    def wait_healthy(self, *names: str) -> None:
        """Wait until each is healthy, for as long as its start may take.

        Raises StackFailed, with the end of a log, if one of them is late or any child at all has ended.
        """
        for name in names:
            child = self._watched[name].child
            due_at = child.started_at + child.process.start_deadline_s
            while not child.process.healthy():
                self._refuse_the_dead()
                if time.monotonic() > due_at:
                    raise child.failure(f"is not healthy after {child.process.start_deadline_s:g} s")
                time.sleep(_POLL_S)
        self._refuse_the_dead()

    def _refuse_the_dead(self) -> None:
        for watched in self._watched.values():
            if watched.child.exit_code is not None:
                raise watched.child.failure(f"has ended ({describe_exit(watched.child.exit_code)})")

    def pid(self, name: str) -> int:
        """The pid of a child now; another one after a restart."""
        return self._watched[name].child.pid

    def is_up(self, name: str) -> bool:
        """It runs, and is healthy by its own account."""
        child = self._watched[name].child
        return child.exit_code is None and child.process.healthy()

    def names(self) -> list[str]:
        """The children, in the order of their start."""
        return list(self._watched)

    def look(self) -> None:
        """Look at each child once: restart the dead when their time has come, kill restarted ones that are late.

        Only one is asked for its health: answers take seconds while what they depend on is away, and nobody's
        restart is to wait for them.
        """
        for watched in self._watched.values():
            self._look_at(watched, time.monotonic())
        coming_up = [watched for watched in self._watched.values() if watched.healthy_by is not None]
        if coming_up:
            self._ask(min(coming_up, key=lambda watched: watched.asked_at))

    def _look_at(self, watched: _Watched, now: float) -> None:
        child, name = watched.child, watched.child.process.name
        if watched.restart_at is not None:
            if now >= watched.restart_at:
                self._start_again(watched)
        elif child.exit_code is not None:
            delay_s = self._delay_s(watched, now)
            watched.restart_at = now + delay_s
            watched.healthy_by = None
            self._notice(
                f"{name} (pid {child.pid}) has ended ({describe_exit(child.exit_code)}); starts again in {delay_s:g} s"
            )

    def _ask(self, watched: _Watched) -> None:
        child, name = watched.child, watched.child.process.name
        due_at, watched.asked_at = watched.healthy_by, time.monotonic()
        if child.process.healthy():
            watched.healthy_by = None
            self._notice(f"{name} (pid {child.pid}) is healthy again")
        elif due_at is not None and time.monotonic() > due_at:
            self._notice(f"{name} (pid {child.pid}) is not healthy after {child.process.start_deadline_s:g} s")
            child.kill()

    def _delay_s(self, watched: _Watched, now: float) -> float:
        if watched.back_after_s is not None:
            delay_s, watched.back_after_s = watched.back_after_s, None
            return delay_s
        if now - watched.child.started_at > _STEADY_AFTER_S:
            watched.deaths = 0
        watched.deaths += 1
        return restart_delay_s(watched.deaths)

    def kill(self, name: str, *, back_after_s: float = 0.0) -> bool:
        """Kill a child without a word, from any thread; False if it is dead already.

        `look` starts it again after this time, and does not count it among the deaths that make restarts wait.
        """
        watched = self._watched[name]
        child = watched.child
        if child.exit_code is not None:
            return False
        watched.back_after_s = back_after_s
        child.strike_down()
        return True

    def stall(self, name: str) -> Callable[[], bool] | None:
        """Let a child stand still, from any thread; what is returned lets it go on. None if it is dead already."""
        child = self._watched[name].child
        if child.exit_code is not None:
            return None
        child.stall()
        return child.go_on

    def restart(self, name: str) -> None:
        """Stop one child in order, start it again and wait until it is healthy. Raises StackFailed if it is not."""
        watched = self._watched[name]
        watched.child.ask_to_stop()
        watched.child.wait_until_stopped(watched.child.stop_due_at)
        self._start_again(watched)
        self.wait_healthy(name)
        watched.healthy_by = None

    def _start_again(self, watched: _Watched) -> None:
        watched.child.kill()  # what is left of its session would be in the way
        watched.child = Child(watched.child.process, watched.child.log)
        watched.restart_at = None
        watched.healthy_by = watched.child.started_at + watched.child.process.start_deadline_s
        self._write_registry()

    def stop(self) -> None:
        """Stop everything, the last group first; nothing is left when this returns."""
        with uninterrupted():
            for group in range(self._groups, 0, -1):
                children = [watched.child for watched in self._watched.values() if watched.group == group]
                due = [(child, child.stop_due_at) for child in children]
                for child in children:
                    child.ask_to_stop()
                for child, due_at in due:
                    child.wait_until_stopped(due_at)
            self._watched.clear()
            self._registry.unlink(missing_ok=True)

    def _write_registry(self) -> None:
        write_registry(self._registry, {name: watched.child.pid for name, watched in self._watched.items()})
