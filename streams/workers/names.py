"""What a worker process is called in outcomes and logs."""

from __future__ import annotations

import os
import socket

from streams.settings import WorkerSettings


def worker_name(settings: WorkerSettings) -> str:
    """The configured name, else `<host>-<process id>`."""
    return settings.name or f"{socket.gethostname()}-{os.getpid()}"
