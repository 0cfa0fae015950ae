"""Where the embedded stack keeps what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPaths:
    """The folders of one embedded stack, absolute. `jars` may be shared by several; `state` and `logs` may not."""

    state: Path
    jars: Path
    logs: Path

    @classmethod
    def under(cls, folder: Path) -> LocalPaths:
        """The usual three, inside one folder such as `.local`."""
        folder = folder.resolve()
        return cls(state=folder / "state", jars=folder / "jars", logs=folder / "logs")

    @property
    def registry(self) -> Path:
        """The list of running processes."""
        return self.state / "processes.json"

    def make(self) -> None:
        """Create them; `state` is for its owner alone, since it holds passwords."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.jars.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
