"""A member's side of the wire: signs proposals, transactions and requests.

As bare as the protocol allows, so that tests can also send what no good client would. The recipe is that of
hyperledger/fabric-gateway, pkg/client.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from streams.simulator.certificates import Credential
from streams.simulator.identities import Signer, serialize
from streams.simulator.proposals import transaction_id

FOREVER = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=2**64 - 1))
"""The stop of a stream that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedProposal:
    """A proposal as it goes to Endorse or Evaluate, and the id that it claims."""

    transaction_id: str
    message: proposal_pb2.SignedProposal


class Member:
    """One identity on one channel, calling one chaincode."""

    def __init__(
        self, msp_id: str, credential: Credential, *, channel: str = "gxchannel", chaincode: str = "gxtv3"
    ) -> None:
        self.channel = channel
        self.chaincode = chaincode
        self.creator = serialize(msp_id, credential.certificate_pem)
        self.signer = Signer(self.creator, credential.key)

    @classmethod
    def of_wallet(cls, wallet: Path, name: str, msp_id: str = "Org1MSP", *, channel: str = "gxchannel") -> Member:
        """The identity whose `<name>-cert` and `<name>-key` are in the folder."""
        key = load_pem_private_key((wallet / f"{name}-key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{name}-key is not an elliptic-curve key")
        certificate = x509.load_pem_x509_certificate((wallet / f"{name}-cert").read_bytes())
        return cls(msp_id, Credential(certificate=certificate, key=key), channel=channel)

    def propose(
        self,
        *arguments: str | bytes,
        nonce: bytes | None = None,
        claimed_id: str | None = None,
        channel: str | None = None,
        chaincode: str | None = None,
        transient: Mapping[str, bytes] | None = None,
        sent_at: datetime | None = None,
    ) -> SignedProposal:
        """A signed proposal to call the chaincode with these arguments, the function first.

        Unless told: a random nonce, the id that follows from it, now.
        """
        nonce = os.urandom(24) if nonce is None else nonce
        claimed = claimed_id or transaction_id(nonce, self.creator)
        called = chaincode_pb2.ChaincodeID(name=self.chaincode if chaincode is None else chaincode)
        extension = proposal_pb2.ChaincodeHeaderExtension(chaincode_id=called).SerializeToString()
        header = _channel_header(
            common_pb2.HeaderType.ENDORSER_TRANSACTION, channel or self.channel, claimed, extension, sent_at
        )
        call = chaincode_pb2.ChaincodeInvocationSpec(
            chaincode_spec=chaincode_pb2.ChaincodeSpec(
                chaincode_id=called,
                input=chaincode_pb2.ChaincodeInput(args=[_encoded(argument) for argument in arguments]),
            )
        )
        proposal = proposal_pb2.Proposal(
            header=self._header(header, nonce).SerializeToString(),
            payload=proposal_pb2.ChaincodeProposalPayload(
                input=call.SerializeToString(), TransientMap=transient or {}
            ).SerializeToString(),
        ).SerializeToString()
        message = proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=self.signer.sign(proposal))
        return SignedProposal(transaction_id=claimed, message=message)

    def sign(self, envelope: common_pb2.Envelope) -> common_pb2.Envelope:
        """The prepared transaction with the member's signature."""
        return common_pb2.Envelope(payload=envelope.payload, signature=self.signer.sign(envelope.payload))

    def ask_status(self, of_transaction: str, *, channel: str | None = None) -> gateway_pb2.SignedCommitStatusRequest:
        """A signed request for a commit status."""
        request = gateway_pb2.CommitStatusRequest(
            transaction_id=of_transaction, channel_id=channel or self.channel, identity=self.creator
        ).SerializeToString()
        return gateway_pb2.SignedCommitStatusRequest(request=request, signature=self.signer.sign(request))

    def seek(
        self,
        start: ab_pb2.SeekPosition,
        stop: ab_pb2.SeekPosition = FOREVER,
        *,
        channel: str | None = None,
        sent_at: datetime | None = None,
    ) -> common_pb2.Envelope:
        """A signed request for blocks."""
        header = _channel_header(common_pb2.HeaderType.DELIVER_SEEK_INFO, channel or self.channel, "", b"", sent_at)
        payload = common_pb2.Payload(
            header=self._header(header, b""), data=ab_pb2.SeekInfo(start=start, stop=stop).SerializeToString()
        )
        return self.sign(common_pb2.Envelope(payload=payload.SerializeToString()))

    def _header(self, channel_header: common_pb2.ChannelHeader, nonce: bytes) -> common_pb2.Header:
        signature_header = common_pb2.SignatureHeader(creator=self.creator, nonce=nonce)
        return common_pb2.Header(
            channel_header=channel_header.SerializeToString(), signature_header=signature_header.SerializeToString()
        )


def _encoded(argument: str | bytes) -> bytes:
    return argument.encode() if isinstance(argument, str) else argument


def _channel_header(
    header_type: int, channel: str, claimed_id: str, extension: bytes, sent_at: datetime | None
) -> common_pb2.ChannelHeader:
    header = common_pb2.ChannelHeader(type=header_type, channel_id=channel, tx_id=claimed_id, extension=extension)
    header.timestamp.FromDatetime(sent_at or datetime.now(UTC))
    return header
