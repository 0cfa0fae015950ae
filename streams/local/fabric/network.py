"""The network from nothing, or from what an earlier run left, to the point where it endorses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.errors import StackFailed
from streams.local.fabric.channel import commit_chaincode, join_channel
from streams.local.fabric.layout import CHAINCODE, CHANNEL, GATEWAY_ORGANISATION, PORT_NAMES, Layout
from streams.local.fabric.material import make_certificates, make_genesis_block, make_package, write_configuration
from streams.local.fabric.parts import processes
from streams.local.fabric.programs import Programs
from streams.local.fabric.wallet import TLS_AUTHORITY, fill_wallet
from streams.local.paths import LocalPaths
from streams.local.ports import choose_ports
from streams.local.process import Process, run_to_end

LOG = "fabric-setup.log"
_FOLDER = "fabric"
_VARIABLES = "STREAMS_FABRIC__"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """`identities` maps the name of each client to its role. `roles` is the map that the chaincode enforces.

    The block settings become part of the channel: they are kept as long as its state.
    """

    identities: Mapping[str, str]
    roles: str
    block_interval_s: float
    block_max_messages: int

    @property
    def of_channel(self) -> dict[str, float]:
        """What cannot be changed afterwards."""
        return {"block_interval_s": self.block_interval_s, "block_max_messages": self.block_max_messages}


class NativeNetwork:
    """One network in the folder `fabric` of the state: `prepare`, start `processes`, `complete`, in this order."""

    def __init__(
        self, paths: LocalPaths, programs: Programs, options: NetworkOptions, ports: Mapping[str, int]
    ) -> None:
        """Raises StackFailed when the network that is there was made with other options or ports."""
        self.options = options
        self.programs = programs
        self._log = paths.logs / LOG
        self.nonce_secret_file = paths.state / "nonce-secret"
        root = paths.state / _FOLDER
        wanted = _kept(Layout(root=root, ports={}).founded, options, ports) or ports
        self.layout = Layout(root=root, ports=choose_ports(paths.state / "ports.json", PORT_NAMES, wanted))

    def prepare(self) -> None:
        """Make what the parts need to start; of a network that was never completed nothing is kept."""
        layout = self.layout
        if not layout.founded.exists():
            shutil.rmtree(layout.root, ignore_errors=True)
            layout.root.mkdir(parents=True)
            self._log.unlink(missing_ok=True)
            make_certificates(layout, self.programs["cryptogen"], self._log)
            make_genesis_block(
                layout,
                self.programs["configtxgen"],
                self._log,
                block_interval_s=self.options.block_interval_s,
                block_max_messages=self.options.block_max_messages,
            )
            make_package(layout)
        write_configuration(layout)
        fill_wallet(layout, self.options.identities)

    def processes(self) -> list[Process]:
        """The parts, to be started together after `prepare`."""
        return processes(self.layout, self.programs, self.options.roles)

    def complete(self) -> None:
        """On healthy parts: make the channel and the chaincode known, once, and wait until both peers endorse."""
        if not self.layout.founded.exists():
            join_channel(self.layout, self.programs, self._log)
            commit_chaincode(self.layout, self.programs, self._log)
            _write_whole(self.layout.founded, {"options": self.options.of_channel, "ports": dict(self.layout.ports)})
        self._wait_until_it_endorses()

    def environment(self) -> dict[str, str]:
        """The settings under which clients reach it."""
        fields = {
            "gateway": self.layout.address(GATEWAY_ORGANISATION.process),
            "tls_ca_file": str(self.layout.wallet / TLS_AUTHORITY),
            "channel": CHANNEL,
            "chaincode": CHAINCODE,
            "msp_id": GATEWAY_ORGANISATION.msp_id,
            "wallet": str(self.layout.wallet),
            "nonce_secret_file": str(self.nonce_secret_file),
        }
        return {f"{_VARIABLES}{name.upper()}": value for name, value in fields.items()}

    def _wait_until_it_endorses(self) -> None:
        settings = [f"{name}={value}" for name, value in self.environment().items()]
        identity = next(iter(self.options.identities))
        argv = ["env", *settings, sys.executable, "-m", "streams.local.fabric.readiness", identity]
        run_to_end("the check that the network endorses", argv, self._log)


def _kept(founded: Path, options: NetworkOptions, ports: Mapping[str, int]) -> Mapping[str, int] | None:
    """The ports of the network that is there, which are written in its blocks; None: there is none."""
    if not founded.exists():
        return None
    made = json.loads(founded.read_text())
    kept: dict[str, int] = made["ports"]
    asked = options.of_channel | {name: port for name, port in ports.items() if name in kept}
    for name, value in (made["options"] | kept).items():
        if asked.get(name, value) != value:
            raise StackFailed(
                f"the network in {founded.parent} was made with {name} {value}, not {asked[name]}; "
                "streams down --purge removes it, with all its data"
            )
    return kept


def _write_whole(file: Path, document: object) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(document, indent=2) + "\n")
    new.replace(file)
