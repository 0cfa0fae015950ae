"""Who runs: the supervisor writes it, `status` and `down` read it.

A pid alone may by now belong to somebody else, so each comes with its start time (`/proc/<pid>/stat`, field 22).
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.errors import StackFailed

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, distinguished from later ones with the same pid by `started_ticks` since boot."""

    pid: int
    started_ticks: int

    @property
    def is_alive(self) -> bool:
        """It runs (a zombie does not)."""
        return identify(self.pid) == self


@dataclass(frozen=True, slots=True)
class Running:
    """A supervisor that is alive, and its children by name, in the order of their start."""

    supervisor: Identity
    processes: Mapping[str, Identity]


def identify(pid: int) -> Identity | None:
    """The process that has this pid now; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, field 2, is in parentheses and may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else Identity(pid, int(fields[19]))


def write_registry(file: Path, pids: Mapping[str, int]) -> None:
    """Name this process as the supervisor of the children with these pids."""
    found = {name: identity for name, pid in pids.items() if (identity := identify(pid))}
    supervisor = identify(os.getpid())
    if supervisor is None:
        raise StackFailed("/proc is not mounted: processes cannot be identified")
    document = {
        "supervisor": [supervisor.pid, supervisor.started_ticks],
        "processes": {name: [identity.pid, identity.started_ticks] for name, identity in found.items()},
    }
    new = file.with_suffix(".new")
    new.write_text(json.dumps(document, indent=2) + "\n")
    new.replace(file)


def read_registry(file: Path) -> Running | None:
    """Who runs; None if nobody does."""
    try:
        document = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    supervisor = Identity(*document["supervisor"])
    if not supervisor.is_alive:
        return None
    return Running(supervisor, {name: Identity(*pair) for name, pair in document["processes"].items()})


def stop_supervisor(file: Path, deadline_s: float = 60.0) -> bool:
    """Ask the supervisor to stop everything and wait until it has ended. False if none runs.

    Raises StackFailed if it is still there after `deadline_s`.
    """
    running = read_registry(file)
    if running is None:
        return False
    os.kill(running.supervisor.pid, signal.SIGTERM)
    due_at = time.monotonic() + deadline_s
    while running.supervisor.is_alive:
        if time.monotonic() > due_at:
            raise StackFailed(f"process {running.supervisor.pid} has not stopped within {deadline_s:.0f} s")
        time.sleep(_POLL_S)
    return True
