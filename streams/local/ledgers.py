"""The ledger of a local line: the simulator, a real network of local processes, or somebody's by its settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from streams.errors import StackFailed
from streams.fabric.connection import read_ca_certificates
from streams.fabric.ids import load_secret
from streams.fabric.wallet import load_identity
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
_LOCAL = {f"{_FABRIC}SETTLE_S": "10"}
"""What a local network has not ordered by then is lost: its orderer has no queue that survives it."""
_KIND_FILE = "ledger-kind"


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


def require(kind: str, identities: Iterable[str] = ()) -> None:
    """Raise if there is no such ledger, or not here, before anything else is fetched or started.

    StackFailed; for an external one, SettingsInvalid or CredentialsInvalid about its settings and files.
    """
    if kind not in KINDS:
        raise StackFailed(f"no ledger is called {kind!r}: choose one of {', '.join(KINDS)}")
    if kind == NATIVE:
        find_programs()
    if kind == EXTERNAL:
        settings = load(ExternalLedgerSettings).fabric
        read_ca_certificates(settings)
        load_secret(settings.nonce_secret_file)
        for identity in identities:
            load_identity(settings.wallet, identity, settings.msp_id, now=datetime.now(UTC))


def check_state(state: Path, kind: str) -> None:
    """Raise StackFailed if the state's rows and topics speak of another ledger than this one."""
    file = state / _KIND_FILE
    before = file.read_text().strip() if file.exists() else kind
    if before != kind:
        raise StackFailed(
            f"the state in {state} belongs to the ledger {before}, not {kind}: start it with --ledger {before}, or have"
            " streams down --purge remove it, with all its data"
        )


def note_ledger(state: Path, kind: str) -> None:
    """Have the state remember whose it is."""
    (state / _KIND_FILE).write_text(kind + "\n")


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
        "--roles": options.roles,
        "--block-interval-s": options.block_interval_s,
        "--block-max-messages": options.block_max_messages,
        "--control": f"{HOST}:0",
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
            **_LOCAL,
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
        environment={**network.environment(), **_LOCAL},
        complete=network.complete,
    )


def _external() -> LocalLedger:
    load(ExternalLedgerSettings)
    known = [name for name, _, _ in variables(ExternalLedgerSettings)]
    return LocalLedger(processes=[], environment={name: os.environ[name] for name in known if name in os.environ})
