"""What a simulated network is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GATEWAY_ORGANISATION = "Org1MSP"
ORGANISATIONS = (GATEWAY_ORGANISATION, "Org2MSP")
ORDERER_ORGANISATION = "OrdererMSP"
CRYPTO = "crypto"
"""In the state folder: the keys of the network's authorities and parts."""
CONTROL_FILE = "control-url"
"""In the state folder: where the control API of the running simulator is."""


_PORT_MAX = 65_535


def read_address(text: str) -> str:
    """`host:port` to listen on, unchanged. Raises ValueError for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > _PORT_MAX:
        raise ValueError(f"{text!r} is not HOST:PORT with a port up to {_PORT_MAX}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig:
    """A client whose certificate and key are put into the wallet; `role` becomes its attribute `gxc_role`."""

    name: str
    role: str
    msp_id: str = GATEWAY_ORGANISATION


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """One network: where it keeps its blocks and keys, where it listens, how it cuts blocks.

    `listen` is `host:port`; port 0 takes a free one. A block is cut `block_interval_s` after its first message, or at
    `block_max_messages`, or at `block_preferred_bytes`, whichever is first (Fabric's sampleconfig/configtx.yaml).
    `gateway_limit` is the number of open gateway calls, waiting CommitStatus calls included (peer.limits.concurrency).
    `org2_listen` and `orderer_listen` open the other peer and the orderer to clients that call each part themselves.
    The time-outs are those of a peer's configuration: peer.gateway.endorsementTimeout and .broadcastTimeout,
    chaincode.executetimeout. `peer_addresses`, `orderer_address` and the chaincode's address and package only name the
    parts in error details.
    """

    state: Path
    wallet: Path
    listen: str = "127.0.0.1:0"
    org2_listen: str | None = None
    orderer_listen: str | None = None
    channel: str = "gxchannel"
    chaincode: str = "gxtv3"
    identities: tuple[IdentityConfig, ...] = ()
    block_interval_s: float = 2.0
    block_max_messages: int = 500
    block_preferred_bytes: int = 2 * 1024 * 1024
    message_max_bytes: int = 10 * 1024 * 1024
    gateway_limit: int = 500
    endorsement_timeout_s: float = 30.0
    broadcast_timeout_s: float = 30.0
    chaincode_timeout_s: float = 30.0
    peer_addresses: tuple[str, str] = ("peer0.org1.example.com:7051", "peer0.org2.example.com:9051")
    orderer_address: str = "orderer.example.com:7050"
    chaincode_address: str = "chaincode.org1.example.com:9999"
    package_id: str = f"gxtv3_1.0:{'0' * 64}"
