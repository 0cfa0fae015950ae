"""The programs in node/ and go/: what they need, how they are built, and what they print.

Everything fetched or built goes to `.local/official-clients/` of the clone and is kept there for the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.files import ROOT
from streams.local.process import run_to_end

HERE = Path(__file__).resolve().parent
BUILT = ROOT / ".local" / "official-clients"

INSTALL_TIMEOUT_S = 600.0
RUN_TIMEOUT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the network answered in one case; `names` maps what the program made up to the table's words for it."""

    names: Mapping[str, str]
    outcome: Any


@dataclass(frozen=True, kw_only=True)
class ClientProgram:
    """One official client. `build` returns the command that takes the network's description as its last argument."""

    name: str
    command: str
    version_argument: str
    needs: str
    build: Callable[[], Sequence[str]]

    def missing(self) -> str | None:
        """Why it cannot run on this machine, None when it can."""
        found = shutil.which(self.command)
        if found is None:
            return f"the official {self.name} client was not run: {self.command} is not installed"
        printed = subprocess.run([found, self.version_argument], capture_output=True, text=True, check=True, timeout=60)
        if _version(printed.stdout) < _version(self.needs):
            return f"the official {self.name} client was not run: it needs {self.command} {self.needs} or newer"
        return None

    def run(self, network: Path) -> dict[str, Answered]:
        """Every case against the network that the file describes, by name. Raises AssertionError when it breaks off."""
        ended = subprocess.run(
            [*self.build(), str(network)],
            check=False,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            # A proxy of the machine is not for its own loopback.
            env={**os.environ, "no_grpc_proxy": "127.0.0.1,localhost"},
        )
        assert ended.returncode == 0, f"the {self.name} program ended with {ended.returncode}:\n{ended.stderr}"
        # Not splitlines: one of the cases has a line separator (U+2028) inside a JSON text.
        lines = [json.loads(line) for line in ended.stdout.removesuffix("\n").split("\n")]
        return {line["case"]: Answered(names=line["names"], outcome=line["outcome"]) for line in lines}


def build_node() -> Sequence[str]:
    """Install the packages of the lock file, unless they are there, and put the program beside them."""
    folder = BUILT / "node"
    folder.mkdir(parents=True, exist_ok=True)
    for source in (HERE / "node").iterdir():
        shutil.copy(source, folder)
    installed, wanted = folder / "installed", _digest(folder / "package.json", folder / "package-lock.json")
    if not installed.exists() or installed.read_text() != wanted:
        installed.unlink(missing_ok=True)
        run_to_end("npm-ci", ["npm", "ci", "--prefix", str(folder)], folder / "npm-ci.log", INSTALL_TIMEOUT_S)
        installed.write_text(wanted)
    return ["node", str(folder / "main.mjs")]


def build_go() -> Sequence[str]:
    """Build the program from exactly the modules of go.sum; the go command keeps what it needs for the next time."""
    folder = BUILT / "go"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "official-go-client"
    argv = ["go", "build", "-C", str(HERE / "go"), "-mod=readonly", "-buildvcs=false", "-o", str(program), "."]
    run_to_end("go-build", argv, folder / "go-build.log", INSTALL_TIMEOUT_S)
    return [str(program)]


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _version(text: str) -> tuple[int, ...]:
    found = re.search(r"\d+(\.\d+)+", text)
    assert found is not None, f"no version in {text!r}"
    return tuple(int(part) for part in found[0].split("."))


def _node_needed() -> str:
    return str(json.loads((HERE / "node" / "package.json").read_text())["engines"]["node"]).removeprefix(">=")


def _go_needed() -> str:
    needed = re.search(r"^go (\S+)$", (HERE / "go" / "go.mod").read_text(), re.MULTILINE)
    assert needed is not None
    return needed[1]


PROGRAMS = (
    ClientProgram(name="node", command="node", version_argument="--version", needs=_node_needed(), build=build_node),
    ClientProgram(name="go", command="go", version_argument="version", needs=_go_needed(), build=build_go),
)
