"""A worker as a process of its own, as tests start it, look at it and end it."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from neighbours import eventually

from streams.local.process import Child, Process


@dataclass
class WorkerProcess:
    """`listen` is where its endpoints are; `child` the process while it runs."""

    process: Process
    listen: str
    log: Path
    child: Child | None = None

    async def start(self, **settings: str) -> None:
        """Returns when it is ready; `settings` are added to the ones it has."""
        process = replace(self.process, env={**self.process.env, **settings})
        self.child = child = Child(process, self.log)

        def is_up() -> bool:
            assert child.exit_code is None, child.tail()
            return process.healthy() and self.ask("/ready")[0] == 200

        await eventually(is_up, f"{process.name} in its group")

    def send(self, number: signal.Signals) -> None:
        assert self.child is not None
        os.kill(self.child.pid, number)

    async def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        assert self.child is not None
        child = self.child
        await eventually(lambda: child.exit_code is not None, "the end of the worker")
        self.child = None
        return child.exit_code or 0

    def kill(self) -> None:
        """If it still runs."""
        if self.child is not None:
            self.child.kill()

    def has_noticed(self, number: signal.Signals) -> bool:
        """The signal was delivered (proc(5), /proc/pid/status: ShdPnd)."""
        assert self.child is not None
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
        return not int(pending.split()[1], 16) & 1 << (number - 1)

    def ask(self, path: str) -> tuple[int, str]:
        """(status, body) of an endpoint; (0, why) if nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        samples = [line for line in self.ask("/metrics")[1].splitlines() if line.startswith((name + "{", name + " "))]
        return sum(float(line.split()[-1]) for line in samples if all(label in line for label in wanted))
