"""Where the processes of a line answer /metrics: a list for Prometheus, and for our own tools.

The file has the form of Prometheus' file-based service discovery (Prometheus documentation, "Configuration",
file_sd_config): [{"targets": ["host:port"], "labels": {...}}].
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from streams.errors import StackFailed

TARGETS = "prometheus-targets.json"
"""Its name in the state folder."""


class Job(StrEnum):
    """Every value of the label `job`."""

    ROUTE = "route"
    SUBMIT = "submit"
    WRITE_BACK = "write-back"
    MONITOR = "monitor"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A process and the `host:port` where it answers; `identity` of a submit worker."""

    process: str
    job: Job
    address: str
    identity: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        identity = {} if self.identity is None else {"identity": self.identity}
        return {"job": self.job.value, "process": self.process, **identity}


def write_targets(file: Path, targets: Iterable[Target]) -> None:
    """Write the list; the file appears whole."""
    document = [{"targets": [target.address], "labels": target.labels} for target in targets]
    new = file.with_suffix(".new")
    new.write_text(json.dumps(document, indent=2) + "\n")
    new.replace(file)


def read_targets(file: Path) -> list[Target]:
    """The list in the file; empty if there is none. Raises StackFailed for a file that is something else."""
    if not file.exists():
        return []
    try:
        return [
            Target(
                process=entry["labels"].get("process", address),
                job=Job(entry["labels"]["job"]),
                address=address,
                identity=entry["labels"].get("identity"),
            )
            for entry in json.loads(file.read_text())
            for address in entry["targets"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackFailed(f"{file} is no list of targets ({error!r}): remove it, or bring the line up anew") from error
