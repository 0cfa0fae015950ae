"""What is made before anything runs: certificates, the genesis block, configuration files, the chaincode package."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from streams.local.fabric.command import command
from streams.local.fabric.layout import CHAINCODE, CHANNEL, ORDERER_MSP, ORGANISATIONS, Layout, Organisation
from streams.local.process import run_to_end
from streams.local.templates import render

PACKAGE_LABEL = f"{CHAINCODE}_1"
_HERE = Path(__file__).parent
_BUILDER = _HERE / "builder"


def make_certificates(layout: Layout, cryptogen: Path, log: Path) -> None:
    """Authorities, nodes and administrators of every organisation. Raises StackFailed."""
    arguments = ("generate", "--config", _HERE / "crypto-config.yaml", "--output", layout.crypto)
    run_to_end("cryptogen", command(cryptogen, *arguments, configuration=layout.root), log)


def make_genesis_block(
    layout: Layout, configtxgen: Path, log: Path, *, block_interval_s: float, block_max_messages: int
) -> None:
    """The first block of the channel: who takes part, by which rules, and when blocks are cut. Raises StackFailed."""
    folder = layout.configuration("configtxgen")
    values: dict[str, object] = {
        "orderer_msp_dir": layout.orderer_organisation / "msp",
        "orderer_address": layout.address("orderer"),
        "orderer_port": layout.ports["orderer"],
        "orderer_certificate": layout.orderer / "tls" / "server.crt",
        "batch_timeout": f"{max(1, round(block_interval_s * 1000))}ms",
        "max_message_count": block_max_messages,
    }
    for which, org in zip(("first", "second"), ORGANISATIONS, strict=True):
        values[f"{which}_msp_dir"] = layout.organisation(org) / "msp"
        values[f"{which}_peer_port"] = layout.ports[org.process]
    _write(folder / "configtx.yaml", values)
    arguments = ("-profile", "Local", "-channelID", CHANNEL, "-outputBlock", layout.genesis_block)
    run_to_end("configtxgen", command(configtxgen, *arguments, configuration=folder), log)


def write_configuration(layout: Layout) -> None:
    """Configuration of the orderer and the peers, and the builder scripts; written anew for every start."""
    orderer = {
        "port": layout.ports["orderer"],
        "msp_dir": layout.orderer / "msp",
        "msp_id": ORDERER_MSP,
        **_tls(layout.orderer / "tls"),
        "data": layout.data("orderer"),
        "wal_dir": layout.data("orderer") / "etcdraft" / "wal",
        "snapshot_dir": layout.data("orderer") / "etcdraft" / "snapshot",
        "admin_address": layout.address("orderer-admin"),
        "operations_address": layout.address("orderer-operations"),
    }
    _write(layout.configuration("orderer") / "orderer.yaml", orderer)
    for org in ORGANISATIONS:
        _write(layout.configuration(org.process) / "core.yaml", _peer_values(layout, org))
    for script in _BUILDER.iterdir():
        copy = layout.builder / "bin" / script.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(script, copy)
        copy.chmod(0o755)  # an installed wheel need not keep it


def make_package(layout: Layout) -> None:
    """Write the package of a chaincode as a service: metadata.json and code.tar.gz with connection.json."""
    connection = {"address": layout.address("chaincode"), "dial_timeout": "10s", "tls_required": False}
    code = _tar({"connection.json": json.dumps(connection).encode()})
    metadata = {"type": "ccaas", "label": PACKAGE_LABEL}
    layout.package.write_bytes(_tar({"metadata.json": json.dumps(metadata).encode(), "code.tar.gz": code}))


def package_id(layout: Layout) -> str:
    """What the peers call the package: label and SHA-256 (core/chaincode/persistence/persistence.go, PackageID)."""
    return f"{PACKAGE_LABEL}:{hashlib.sha256(layout.package.read_bytes()).hexdigest()}"


def _peer_values(layout: Layout, org: Organisation) -> dict[str, object]:
    return {
        "id": f"peer0.{org.domain}",
        "msp_id": org.msp_id,
        "msp_dir": layout.peer(org) / "msp",
        **_tls(layout.peer(org) / "tls"),
        "data": layout.data(org.process),
        "snapshot_dir": layout.data(org.process) / "snapshots",
        "address": layout.address(org.process),
        "chaincode_address": layout.address(f"{org.process}-chaincode"),
        "operations_address": layout.address(f"{org.process}-operations"),
        "builder": layout.builder,
    }


def _tls(folder: Path) -> dict[str, object]:
    return {
        "tls_key": folder / "server.key",
        "tls_certificate": folder / "server.crt",
        "tls_authority": folder / "ca.crt",
    }


def _write(file: Path, values: Mapping[str, object]) -> None:
    """Fill in the template of the same name. Text is quoted as JSON, which YAML reads, whatever a path holds."""
    quoted = {name: json.dumps(str(value)) if isinstance(value, Path) else value for name, value in values.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(_HERE / file.name, quoted))


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
