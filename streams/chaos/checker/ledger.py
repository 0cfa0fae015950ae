"""The blocks and balances, asked of a gateway peer: the checker's own client, without a stream and without retries.

`qscc` is Fabric's system chaincode for questions about the chain (core/scc/qscc/query.go); the gateway's Evaluate calls
it as any other (fabric-protos gateway/gateway.proto).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from streams.chaos.checker.blocks import transactions
from streams.chaos.checker.evidence import Money, Transaction

_EVALUATE = "/gateway.Gateway/Evaluate"
_DEADLINE_S = 30.0
# Of NIST P-256. Peers refuse a signature whose S is in the upper half (bccsp/utils/ecdsa.go).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Where to ask, and as whom: `identity` is a pair of files `<identity>-cert` and `<identity>-key` in `wallet`."""

    gateway: str
    tls_ca_file: Path
    wallet: Path
    identity: str
    channel: str = "gxchannel"
    chaincode: str = "gxtv3"
    msp_id: str = "Org1MSP"


class Chain:
    """A connection to the peer; a context manager. Every question raises grpc.RpcError when it is not answered."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        certificate = (peer.wallet / f"{peer.identity}-cert").read_bytes()
        self._creator = identities_pb2.SerializedIdentity(mspid=peer.msp_id, id_bytes=certificate).SerializeToString()
        self._key = serialization.load_pem_private_key((peer.wallet / f"{peer.identity}-key").read_bytes(), None)
        credentials = grpc.ssl_channel_credentials(peer.tls_ca_file.read_bytes())
        self._channel = grpc.secure_channel(
            peer.gateway, credentials, options=(("grpc.max_receive_message_length", -1),)
        )
        self._call = self._channel.unary_unary(
            _EVALUATE,
            request_serializer=gateway_pb2.EvaluateRequest.SerializeToString,
            response_deserializer=gateway_pb2.EvaluateResponse.FromString,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def height(self) -> int:
        """How many blocks there are."""
        answer = self._evaluate("qscc", "GetChainInfo", self._peer.channel)
        height: int = ledger_pb2.BlockchainInfo.FromString(answer).height
        return height

    def transactions(self, identities: Sequence[str]) -> Iterator[Transaction]:
        """Every transaction of every block, in order; `identities` are those of the wallet that may have signed."""
        signers = self._signers(identities)
        for number in range(self.height()):
            yield from transactions(
                self._evaluate("qscc", "GetBlockByNumber", self._peer.channel, str(number)), signers
            )

    def money(self, accounts: Sequence[str]) -> Money:
        """What the chaincode says of all money and of these accounts."""
        supply: Mapping[str, Any] = self._ask("TokenomicsContract:GetTotalSupply")
        balances = {account: self._ask("TokenomicsContract:GetBalance", account) for account in accounts}
        return Money(minted=supply["minted"], held=supply["held"], balances=balances)

    def _signers(self, identities: Sequence[str]) -> dict[bytes, str]:
        return {(self._peer.wallet / f"{name}-cert").read_bytes(): name for name in identities}

    def _ask(self, *arguments: str) -> Any:
        return json.loads(self._evaluate(self._peer.chaincode, *arguments))

    def _evaluate(self, chaincode: str, *arguments: str) -> bytes:
        request = gateway_pb2.EvaluateRequest(
            channel_id=self._peer.channel, proposed_transaction=self._proposal(chaincode, arguments)
        )
        payload: bytes = self._call(request, timeout=_DEADLINE_S, wait_for_ready=True).result.payload
        return payload

    def _proposal(self, chaincode: str, arguments: Sequence[str]) -> proposal_pb2.SignedProposal:
        called, nonce, now = chaincode_pb2.ChaincodeID(name=chaincode), os.urandom(24), Timestamp()
        now.GetCurrentTime()
        header = common_pb2.ChannelHeader(
            type=common_pb2.ENDORSER_TRANSACTION,
            timestamp=now,
            channel_id=self._peer.channel,
            tx_id=sha256(nonce + self._creator).hexdigest(),
            extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=called).SerializeToString(),
        )
        given = chaincode_pb2.ChaincodeInput(args=[text.encode() for text in arguments])
        spec = chaincode_pb2.ChaincodeSpec(chaincode_id=called, input=given)
        payload = proposal_pb2.ChaincodeProposalPayload(
            input=chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString()
        )
        signature = common_pb2.SignatureHeader(creator=self._creator, nonce=nonce).SerializeToString()
        headers = common_pb2.Header(channel_header=header.SerializeToString(), signature_header=signature)
        proposal = proposal_pb2.Proposal(
            header=headers.SerializeToString(), payload=payload.SerializeToString()
        ).SerializeToString()
        return proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=self._signed(proposal))

    def _signed(self, message: bytes) -> bytes:
        if not isinstance(self._key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"the key of {self._peer.identity} is not of an elliptic curve")
        signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return encode_dss_signature(r, min(s, _ORDER - s))
