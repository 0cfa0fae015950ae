"""The ledger of a local line: the simulator, a real network of local processes, or somebody's by its settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streams.errors import StackFailed
from streams.local.fabric.layout import PORT_NAMES as NATIVE_PORTS
from streams.local.fabric.network import NativeNetwork, NetworkOptions
from streams.local.fabric.programs import find_programs
from streams.local.paths import LocalPaths
from streams.local.ports import HOST, choose_ports, is_open
from streams.local.process import Process
from streams.settings import ExternalLedgerSettings, load, variables

SIMULATOR = "simulator"
NATIVE = "native"
EXTERNAL = "external"
KINDS = (SIMULATOR, NATIVE, EXTERNAL)
LEDGER_PORTS = (SIMULATOR, *NATIVE_PORTS)
"""Names of the ports that a ledger of ours listens on."""
_FABRIC = "STREAMS_FABRIC__"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """Which ledger; the rest is for one of ours: who may call what, and when blocks are cut.

    `roles` is a table of streams/chaincode/roles.toml.
    """

    kind: str = SIMULATOR
    roles: str = "operations"
    block_interval_s: float = 0.2
    block_max_messages: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalLedger:
    """What has to run, and the `STREAMS_FABRIC__` settings that reach it.

    `nonce_secret_file` is made before the first start, if it is ours to make.
    `complete`, seconds long, comes when they are healthy; after it, commands can be submitted. Raises StackFailed.
    """

    processes: Sequence[Process]
    nonce_secret_file: Path | None = None
    environment: Mapping[str, str]
    complete: Callable[[], None] = lambda: None


def require(kind: str) -> None:
    """Raise StackFailed if there is no such ledger, or not here, before anything else is fetched or started."""
    if kind not in KINDS:
        raise StackFailed(f"no ledger is called {kind!r}: choose one of {', '.join(KINDS)}")
    if kind == NATIVE:
        find_programs()


def choose_ledger(
    options: LedgerOptions, paths: LocalPaths, identities: Mapping[str, str], ports: Mapping[str, int]
) -> LocalLedger:
    """The ledger of the options, ready to be started; `identities` maps each name to the role of its certificate.

    Raises StackFailed for one that cannot be had, SettingsInvalid for an external one that is not described.
    """
    require(options.kind)
    if options.kind == EXTERNAL:
        return _external()
    made = _native if options.kind == NATIVE else _simulator
    return made(options, paths, identities, ports)


def _simulator(
    options: LedgerOptions, paths: LocalPaths, identities: Mapping[str, str], ports: Mapping[str, int]
) -> LocalLedger:
    port = choose_ports(paths.state / "ports.json", [SIMULATOR], ports)[SIMULATOR]
    wallet = paths.state / "wallet"
    arguments = {
        "--state": paths.state / "ledger",
        "--wallet": wallet,
        "--listen": f"{HOST}:{port}",
        "--control": f"{HOST}:0",
        "--roles": options.roles,
        "--block-interval-s": options.block_interval_s,
        "--block-max-messages": options.block_max_messages,
    }
    roles = [part for name, role in identities.items() for part in ("--identity", f"{name}={role}")]
    argv = [sys.executable, "-m", "streams.simulator", *(str(p) for pair in arguments.items() for p in pair), *roles]
    return LocalLedger(
        processes=[Process(name=SIMULATOR, argv=argv, healthy=partial(is_open, port))],
        nonce_secret_file=paths.state / "nonce-secret",
        environment={
            f"{_FABRIC}GATEWAY": f"{HOST}:{port}",
            f"{_FABRIC}TLS_CA_FILE": str(wallet / "tlsca-cert"),
            f"{_FABRIC}WALLET": str(wallet),
            f"{_FABRIC}NONCE_SECRET_FILE": str(paths.state / "nonce-secret"),
        },
    )


def _native(
    options: LedgerOptions, paths: LocalPaths, identities: Mapping[str, str], ports: Mapping[str, int]
) -> LocalLedger:
    made = NetworkOptions(
        identities=identities,
        roles=options.roles,
        block_interval_s=options.block_interval_s,
        block_max_messages=options.block_max_messages,
    )
    network = NativeNetwork(paths, find_programs(), made, ports)
    network.prepare()
    return LocalLedger(
        processes=network.processes(),
        nonce_secret_file=network.nonce_secret_file,
        environment=network.environment(),
        complete=network.complete,
    )


def _external() -> LocalLedger:
    load(ExternalLedgerSettings)
    known = [name for name, _, _ in variables(ExternalLedgerSettings)]
    return LocalLedger(processes=[], environment={name: os.environ[name] for name in known if name in os.environ})
