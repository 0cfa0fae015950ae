"""The networks that the clients talk to: the simulator, a real one of local processes, somebody's by its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from external_network import missing_network

from streams.errors import StackFailed
from streams.fabric.ids import create_secret
from streams.local.ledgers import KINDS, LedgerOptions, choose_ledger, require
from streams.local.paths import LocalPaths
from streams.local.supervisor import Supervisor
from streams.settings import PREFIX, FabricSettings
from streams.simulator.certificates import Authority, write_credential

__all__ = ["KINDS", "described_network", "missing"]

EXTERNAL = "external"
ROLES = {"org1-admin": "gx_admin", "org1-partner-api": "gx_partner_api"}
BLOCK_INTERVAL_S = 0.2

_SECTION = f"{PREFIX}FABRIC__"


def missing(kind: str) -> str | None:
    """Why there is no such network here, None when there is."""
    if kind == EXTERNAL and (reason := missing_network()):
        return reason
    try:
        require(kind)
    except StackFailed as error:
        return str(error)
    return None


@contextmanager
def described_network(kind: str, folder: Path) -> Iterator[Path]:
    """A running network; the file says how its clients reach it, and who they are."""
    paths = LocalPaths.under(folder)
    paths.make()
    ledger = choose_ledger(LedgerOptions(kind=kind, block_interval_s=BLOCK_INTERVAL_S), paths, ROLES, {})
    if ledger.nonce_secret_file is not None:
        create_secret(ledger.nonce_secret_file)
    with Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        supervisor.start(*ledger.processes)
        ledger.complete()
        given = {name.removeprefix(_SECTION).lower(): value for name, value in ledger.environment.items()}
        yield _describe(FabricSettings.model_validate(given), folder)


def _describe(settings: FabricSettings, folder: Path) -> Path:
    """`stranger` holds a certificate of an authority that the network does not know."""
    write_credential(folder, "stranger", Authority.make("nobody").issue("stranger", "client"))
    identities = {
        "admin": settings.wallet / "org1-admin",
        "partner": settings.wallet / "org1-partner-api",
        "stranger": folder / "stranger",
    }
    described = {
        "address": settings.gateway,
        "server_name": settings.server_name or "",
        "tls_ca_file": str(settings.tls_ca_file),
        "channel": settings.channel,
        "chaincode": settings.chaincode,
        "scratch": str(folder),
        "identities": {
            name: {"msp_id": settings.msp_id, "certificate_file": f"{path}-cert", "key_file": f"{path}-key"}
            for name, path in identities.items()
        },
    }
    file = folder / "network.json"
    file.write_text(json.dumps(described, indent=2))
    return file
