"""Where the programs of a Fabric release are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from streams.errors import StackFailed

PROGRAMS = ("peer", "orderer", "configtxgen", "cryptogen", "osnadmin")
Programs = Mapping[str, Path]
"""A path for each of PROGRAMS."""

BIN_VARIABLE = "FABRIC_BIN"

_VERSION = re.compile(r"^\s*Version: v?(\S+)$", re.MULTILINE)
_VERSION_TIMEOUT_S = 20.0


def find_programs(environment: Mapping[str, str] = os.environ) -> Programs:
    """Each program's path, from the folder `FABRIC_BIN`, else from PATH.

    Raises StackFailed, in one line, for what is missing and for a release other than 2.5.
    """
    folders = os.pathsep.join(filter(None, (environment.get(BIN_VARIABLE), environment.get("PATH"))))
    found = {name: shutil.which(name, path=folders) for name in PROGRAMS}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        folder = environment.get(BIN_VARIABLE)
        raise StackFailed(
            f"--ledger native needs {_listed(missing)} of Hyperledger Fabric 2.5.x, neither in {BIN_VARIABLE} "
            f"({folder or 'not set'}) nor on PATH; get them from the official releases of hyperledger/fabric on GitHub "
            "(archive hyperledger-fabric-<platform>-2.5.x, folder bin)"
        )
    programs = {name: Path(path).absolute() for name, path in found.items() if path is not None}
    for name in ("peer", "orderer"):
        _require_2_5(programs[name])
    return programs


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _require_2_5(program: Path) -> None:
    try:
        ended = subprocess.run(
            [program, "version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StackFailed(f"{program} does not tell its version: {error}") from error
    said = _VERSION.search(ended.stdout)
    version = said[1] if said else "unknown"
    if not version.startswith("2.5."):
        raise StackFailed(f"{program} is of version {version}; --ledger native needs Hyperledger Fabric 2.5.x")
