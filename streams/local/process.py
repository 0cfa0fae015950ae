"""One child process: what to run, and the running thing.

A child has a session of its own, so that Ctrl-C in the terminal reaches only its supervisor; it dies with its
supervisor, however that one ends.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from streams.errors import StackFailed

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TAIL_LINES, _TAIL_BYTES = 20, 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What to run and when it is well.

    `healthy` answers at once or within a second or two; it returns False, and does not raise, while the process is
    not ready. `env` is added to the parent's. `stop_signal` asks for an orderly end; whoever has not ended within
    `stop_deadline_s` is killed. `orphan_signal` is what it gets if the supervisor dies.
    """

    name: str
    argv: Sequence[str]
    healthy: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    start_deadline_s: float = 60.0
    stop_deadline_s: float = 15.0
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL


class Child:
    """A Process that was started; `log` holds its output."""

    def __init__(self, process: Process, log: Path) -> None:
        """Start it. Raises StackFailed if there is no such program.

        Linux sends the orphan signal when the *thread* that started a child ends: start children from a thread
        that lives as long as they shall.
        """
        self.process = process
        self.log = log
        self.started_at = time.monotonic()
        with log.open("ab") as output:
            try:
                self._popen = subprocess.Popen(
                    [str(part) for part in process.argv],
                    env={**os.environ, **process.env},
                    cwd=process.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_dying_with(os.getpid(), process.orphan_signal),  # noqa: PLW1509
                )
            except OSError as error:
                raise StackFailed(f"{process.name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.poll()

    @property
    def stop_due_at(self) -> float:
        """The monotonic time until which a stop, begun now, may take."""
        return time.monotonic() + self.process.stop_deadline_s

    def ask_to_stop(self) -> None:
        """Send the stop signal, if it still runs."""
        if self.exit_code is None:
            self._popen.send_signal(self.process.stop_signal)

    def wait_until_stopped(self, due_at: float) -> None:
        """Return when it has ended; kill it, with all that it started, at the monotonic time `due_at`."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(max(0.0, due_at - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """End it and what is left of its session, now. No harm if all of it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def strike_down(self) -> None:
        """Send SIGKILL, if it still runs, and do not wait; what it started is left alone."""
        self._popen.kill()

    def stall(self) -> None:
        """Let it stand still, if it still runs; what it started goes on."""
        self._popen.send_signal(signal.SIGSTOP)

    def go_on(self) -> bool:
        """Let it go on after `stall`, if it still runs. Always true."""
        self._popen.send_signal(signal.SIGCONT)
        return True

    def tail(self) -> str:
        """The last lines of its log."""
        with self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
        return "\n".join(f"  | {line}" for line in lines[-_TAIL_LINES:])

    def failure(self, what: str) -> StackFailed:
        """The error that says what happened to it, with the end of its log."""
        return StackFailed(f"{self.process.name} {what}; the end of {self.log}:\n{self.tail()}")


def run_to_end(name: str, argv: Sequence[str], log: Path, timeout_s: float = 120.0) -> None:
    """Run a preparation step, output to `log`. Raises StackFailed unless it ends well in time."""
    child = Child(Process(name=name, argv=argv, healthy=lambda: True), log)
    try:
        child.wait_until_stopped(time.monotonic() + timeout_s)
    except BaseException:
        child.kill()
        raise
    if child.exit_code != 0:
        raise child.failure(f"failed ({describe_exit(child.exit_code)})")


def describe_exit(code: int | None) -> str:
    """An exit code as people read it: `exit code 3`, `SIGKILL`."""
    if code is None:
        return "running"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _dying_with(parent: int, orphan_signal: signal.Signals) -> Callable[[], None]:
    def in_child() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # it died before the line above: no signal will come
            os._exit(1)

    return in_child
