"""Who takes part in the network, and where each part listens and keeps its data.

The folders of certificates are as cryptogen makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.local.ports import HOST

CHANNEL = "gxchannel"
CHAINCODE = "gxtv3"
ORDERER_MSP = "OrdererMSP"
_ORDERER_DOMAIN = "example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation with one peer. `name` is the stem of its process, ports and folders."""

    name: str
    msp_id: str

    @property
    def domain(self) -> str:
        return f"{self.name}.{_ORDERER_DOMAIN}"

    @property
    def process(self) -> str:
        return f"{self.name}-peer"


GATEWAY_ORGANISATION = Organisation(name="org1", msp_id="Org1MSP")
"""Its peer is the gateway, and the clients are its members."""
ORGANISATIONS = (GATEWAY_ORGANISATION, Organisation(name="org2", msp_id="Org2MSP"))

PORT_NAMES = (
    *("orderer", "orderer-admin", "orderer-operations"),
    *(f"{org.process}{what}" for org in ORGANISATIONS for what in ("", "-chaincode", "-operations")),
    "chaincode",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The network in `root`; `ports` has one for each of PORT_NAMES."""

    root: Path
    ports: Mapping[str, int]

    def address(self, port_name: str) -> str:
        """host:port of the part or of one of its further ports."""
        return f"{HOST}:{self.ports[port_name]}"

    def data(self, part: str) -> Path:
        """What the part itself writes: blocks, state, the orderer's log."""
        return self.root / part / "data"

    def configuration(self, part: str) -> Path:
        """The folder of the part's configuration files (FABRIC_CFG_PATH)."""
        return self.root / part / "configuration"

    @property
    def founded(self) -> Path:
        """Is there when the channel and the chaincode are; says with which options they were made."""
        return self.root / "network.json"

    @property
    def genesis_block(self) -> Path:
        return self.root / f"{CHANNEL}.block"

    @property
    def package(self) -> Path:
        """The chaincode package that the peers install: not code, but the address of the service."""
        return self.root / f"{CHAINCODE}.tgz"

    @property
    def builder(self) -> Path:
        return self.root / "builder"

    @property
    def wallet(self) -> Path:
        """The clients' certificates and keys."""
        return self.root / "wallet"

    @property
    def crypto(self) -> Path:
        """Everything that cryptogen made."""
        return self.root / "crypto"

    @property
    def orderer_organisation(self) -> Path:
        return self.crypto / "ordererOrganizations" / _ORDERER_DOMAIN

    @property
    def orderer(self) -> Path:
        """The orderer's certificates: msp and tls."""
        return self.orderer_organisation / "orderers" / f"orderer.{_ORDERER_DOMAIN}"

    def organisation(self, org: Organisation) -> Path:
        return self.crypto / "peerOrganizations" / org.domain

    def peer(self, org: Organisation) -> Path:
        """The peer's certificates: msp and tls."""
        return self.organisation(org) / "peers" / f"peer0.{org.domain}"

    def administrator(self, org: Organisation) -> Path:
        """The MSP folder of the organisation's administrator."""
        return self.organisation(org) / "users" / f"Admin@{org.domain}" / "msp"

    def tls_authority(self, org: Organisation) -> Path:
        """The certificate that the peer's TLS certificate chains to."""
        return self.organisation(org) / "tlsca" / f"tlsca.{org.domain}-cert.pem"
