"""Which processes belong to a folder, as the system tells it, and which as the line's own registry does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from running_line import STREAMS, environment, until

from streams.local.registry import Identity, identify, read_registry


def living(folder: Path) -> list[str]:
    """The processes that have to do with the folder: by arguments, environment or working directory."""
    return [described for entry in Path("/proc").iterdir() if (described := _described(entry, str(folder)))]


def _described(entry: Path, folder: str) -> str:
    if not entry.name.isdigit() or int(entry.name) == os.getpid():
        return ""
    found = ""
    # A process may end while it is looked at.
    with suppress(OSError):
        arguments = (entry / "cmdline").read_bytes()
        told = arguments + (entry / "environ").read_bytes() + os.readlink(entry / "cwd").encode()
        if folder.encode() in told:
            found = f"{entry.name} {arguments.replace(bytes(1), b' ').decode()}"
    return found if identify(int(entry.name)) else ""


def registered(state: Path) -> dict[str, Identity]:
    """The processes that the registry in a state folder names; empty when no line runs."""
    running = read_registry(state / "processes.json")
    return {} if running is None else dict(running.processes)


@contextmanager
def foreground(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`streams <arguments>` in the folder, running; killed at the end if it still runs."""
    process = subprocess.Popen(
        [STREAMS, *arguments],
        cwd=folder,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a signal for it is not one for us
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_beside(process: subprocess.Popen[str], condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds; fail at once, with its complaints, if the process ends before."""

    def still_runs() -> None:
        assert process.poll() is None, process.communicate()[1]

    until(condition, what, still_runs)


def until_registered(process: subprocess.Popen[str], state: Path, *names: str) -> dict[str, Identity]:
    """Wait until the line has started these processes; all that it has started by then."""
    wait_beside(process, lambda: set(names) <= registered(state).keys(), f"processes {', '.join(names)}")
    return registered(state)
