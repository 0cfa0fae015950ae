"""What keeps `streams up` from starting: another ledger's state, missing files. And a ledger that is silent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.cli.stack import _warn_of_silence
from streams.fabric.ids import create_secret
from streams.files import ROOT
from streams.local.ledgers import note_ledger
from streams.local.paths import LocalPaths
from streams.local.ports import HOST, choose_ports
from streams.simulator.config import IdentityConfig
from streams.simulator.wallet import fill_wallet, network_keys

NAMES = ("org1-super-admin", "org1-admin", "org1-partner-api")


@pytest.fixture
def external(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with all files of a ledger where nobody listens, and the settings that describe it."""
    identities = [IdentityConfig(name=name, role="gx_admin") for name in NAMES]
    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), identities)
    create_secret(tmp_path / "nonce-secret")
    port = choose_ports(tmp_path / "ports.json", ["gateway"])["gateway"]
    for name, value in {
        "GATEWAY": f"{HOST}:{port}",
        "TLS_CA_FILE": tmp_path / "wallet" / "tlsca-cert",
        "WALLET": tmp_path / "wallet",
        "NONCE_SECRET_FILE": tmp_path / "nonce-secret",
    }.items():
        monkeypatch.setenv(f"STREAMS_FABRIC__{name}", str(value))
    return tmp_path


def up(folder: Path) -> subprocess.CompletedProcess[str]:
    """In the foreground: a line that comes up in spite of everything ends with it."""
    argv = [sys.executable, "-m", "streams", "up", "--ledger", "external"]
    here = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, cwd=folder, env=here, capture_output=True, text=True, check=False, timeout=60)


def test_a_state_is_not_carried_over_to_another_ledger(external: Path) -> None:
    paths = LocalPaths.under(external / ".local")
    paths.make()
    note_ledger(paths.state, "simulator")
    ran = up(external)
    assert ran.returncode == 1
    assert ran.stderr == (
        f"streams: the state in {paths.state} belongs to the ledger simulator, not external: start it with"
        " --ledger simulator, or have streams down --purge remove it, with all its data\n"
    )


@pytest.mark.parametrize(
    ("missing", "complaint"),
    [
        ("nonce-secret", "no nonce secret there"),
        ("wallet/tlsca-cert", "the gateway's TLS CA certificate cannot be read"),
        ("wallet/org1-admin-cert", "no such file"),
    ],
)
def test_a_missing_file_of_an_external_ledger_is_told_before_anything_starts(
    external: Path, missing: str, complaint: str
) -> None:
    (external / missing).unlink()
    ran = up(external)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"streams: {external / missing}: {complaint}")
    assert ran.stderr.count("\n") == 1
    assert not (external / ".local").exists()


@pytest.mark.usefixtures("external")
def test_a_ledger_that_does_not_answer_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    _warn_of_silence("external", NAMES[:1])
    warning = capfd.readouterr().err
    assert warning.startswith("warning: the ledger refuses identity org1-super-admin: ")
    assert "failed to connect" in warning
