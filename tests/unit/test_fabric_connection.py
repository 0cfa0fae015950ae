"""What the client asks of the gRPC library is known to the version that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from fabric_credentials import certificate

from streams.settings import FabricSettings

CALL = """
import asyncio, os, sys
from streams.fabric.gateways import Method, open_gateways
from streams.settings import FabricSettings

async def main():
    gateways = open_gateways(FabricSettings.model_validate_json(sys.argv[1]), print)
    try:
        await gateways.call(Method.ENDORSE, b"", 5.0)
    except Exception as error:
        print(error.code().name, os.environ["GRPC_EXPERIMENTS"])
    await gateways.close()

asyncio.run(main())
"""


def call(tmp_path: Path, **environment: str) -> tuple[str, str]:
    """Standard output and standard error of a process that calls a gateway that is not there."""
    (tmp_path / "ca").write_bytes(certificate(ec.generate_private_key(ec.SECP256R1())))
    settings = FabricSettings(
        gateway="127.0.0.1:1", tls_ca_file=tmp_path / "ca", wallet=tmp_path, nonce_secret_file=tmp_path / "secret"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    ran = subprocess.run(
        [sys.executable, "-c", CALL, settings.model_dump_json()],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout.strip(), ran.stderr


def test_the_library_knows_what_is_asked_of_it(tmp_path: Path) -> None:
    assert call(tmp_path) == ("UNAVAILABLE -event_engine_client", "")


def test_what_an_operator_asks_of_the_library_stays(tmp_path: Path) -> None:
    assert call(tmp_path, GRPC_EXPERIMENTS="event_engine_client") == ("UNAVAILABLE event_engine_client", "")
