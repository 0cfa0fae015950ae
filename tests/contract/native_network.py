"""A real Fabric network under a supervisor in a process of its own: `python native_network.py FOLDER`.

Of its own, because the tests speak gRPC, and a process that does cannot start children safely.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from streams.errors import StackFailed
from streams.fabric.ids import create_secret
from streams.local.fabric.layout import ORGANISATIONS, Layout
from streams.local.fabric.programs import find_programs
from streams.local.ledgers import LedgerOptions, choose_ledger
from streams.local.paths import LocalPaths
from streams.local.registry import Identity, read_registry
from streams.local.signals import ending_as_interrupt
from streams.local.supervisor import Supervisor
from streams.settings import FabricSettings
from streams.simulator.certificates import Authority, Credential

ROLES = {"org1-super-admin": "gx_super_admin", "org1-admin": "gx_admin", "org1-partner-api": "gx_partner_api"}
OPTIONS = LedgerOptions(kind="native", block_interval_s=0.05)
_PREFIX = "STREAMS_FABRIC__"


def missing_programs() -> str:
    """What keeps a network from being started; empty: nothing."""
    try:
        find_programs()
    except StackFailed as failed:
        return str(failed)
    return ""


class NativeNetwork:
    """The network in a folder: down and up again at will."""

    def __init__(self, folder: Path) -> None:
        self.paths = LocalPaths.under(folder)
        self._process: subprocess.Popen[str] | None = None
        self._environment: dict[str, str] = {}

    def start(self) -> None:
        """Returns when it endorses."""
        argv = [sys.executable, __file__, str(self.paths.state.parent)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._environment = json.loads(self._process.stdout.readline() or "{}")
        assert self._environment, f"the network did not come up; see {self.paths.logs}"

    def stop(self) -> None:
        """Returns when nothing of it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def settings(self, **changes: object) -> FabricSettings:
        """How clients reach it."""
        given = {name.removeprefix(_PREFIX).lower(): value for name, value in self._environment.items()}
        return FabricSettings.model_validate(given | {"commit_timeout_s": 20} | changes)

    def parts(self) -> dict[str, Identity]:
        """The processes that run now, by name."""
        running = read_registry(self.paths.registry)
        return {} if running is None else dict(running.processes)

    @property
    def supervisor_pid(self) -> int:
        """The process that starts again what dies."""
        assert self._process is not None
        return self._process.pid

    @property
    def authorities(self) -> dict[str, Authority]:
        """Of the organisations, by MSP id."""
        layout = Layout(root=self.paths.state / "fabric", ports={})
        return {one.msp_id: _authority(layout.organisation(one) / "ca") for one in ORGANISATIONS}

    async def kill(self, name: str) -> None:
        """Kill a part; returns when the supervisor has started another in its place."""
        killed = self.parts()[name]
        os.kill(killed.pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while self.parts()[name] == killed:  # noqa: ASYNC110 (the registry is a file)
                await asyncio.sleep(0.05)


def _authority(folder: Path) -> Authority:
    (file,) = folder.glob("*-cert.pem")
    key = load_pem_private_key((folder / "priv_sk").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(Credential(certificate=x509.load_pem_x509_certificate(file.read_bytes()), key=key))


@contextmanager
def running_network(folder: Path) -> Iterator[NativeNetwork]:
    """A started network, stopped however the context is left."""
    network = NativeNetwork(folder)
    try:
        network.start()
        yield network
    finally:
        network.stop()


def main(folder: Path) -> None:
    """Start it, print its settings as one line of JSON, keep it running until a signal."""
    paths = LocalPaths.under(folder)
    paths.make()
    with ending_as_interrupt(), Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        try:
            ledger = choose_ledger(OPTIONS, paths, ROLES, {})
            assert ledger.nonce_secret_file is not None
            create_secret(ledger.nonce_secret_file)
            supervisor.start(*ledger.processes)
            ledger.complete()
            print(json.dumps(dict(ledger.environment)), flush=True)
            stopping = threading.Event()
            while not stopping.wait(0.1):
                supervisor.look()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
