"""One run of a Fabric program, in an environment of its own.

Variables such as CORE_PEER_ADDRESS override the configuration files, and people who work with Fabric have them set:
so these programs see none of the environment but what is given here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def command(program: Path, *arguments: object, configuration: Path, **variables: object) -> list[str]:
    """The argument list; `configuration` is the folder of core.yaml, orderer.yaml or configtx.yaml."""
    given: Mapping[str, object] = {
        # For the builder scripts, which call cp and mkdir.
        "PATH": os.environ.get("PATH", os.defpath),
        "FABRIC_CFG_PATH": configuration,
        "FABRIC_LOGGING_SPEC": "warn",
        "FABRIC_LOGGING_FORMAT": "%{time:2006-01-02T15:04:05.000Z07:00} %{level} [%{module}] %{message}",
    } | variables
    assignments = [f"{name}={value}" for name, value in given.items()]
    return ["env", "--ignore-environment", *assignments, str(program), *(str(argument) for argument in arguments)]
