"""A client's proposal, taken apart, and the transaction that becomes of it once it is endorsed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.message import DecodeError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableProposal(Exception):
    """The bytes are not a proposal for a chaincode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A signed proposal. `channel_header` and `signature_header` are the exact bytes that were signed.

    `chaincode_payload` is the ChaincodeProposalPayload without the transient map: what goes into the transaction.
    """

    signed: bytes
    signature: bytes
    channel_header: bytes
    signature_header: bytes
    chaincode_payload: bytes
    header_type: int
    epoch: int
    channel: str
    transaction_id: str
    timestamp: datetime
    creator: bytes
    nonce: bytes
    chaincode: str
    arguments: tuple[bytes, ...]
    transient: Mapping[str, bytes]

    @property
    def hash(self) -> bytes:
        """What the endorsers sign for (protoutil/proputils.go, GetProposalHash1)."""
        return proposal_hash(self.channel_header, self.signature_header, self.chaincode_payload)


def read_proposal(signed: proposal_pb2.SignedProposal) -> Proposal:
    """Take a SignedProposal apart; nothing is verified. Raises UnreadableProposal."""
    try:
        proposal = proposal_pb2.Proposal.FromString(signed.proposal_bytes)
        header = common_pb2.Header.FromString(proposal.header)
        channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
        signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
        payload = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
        spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input).chaincode_spec
        timestamp = _EPOCH + timedelta(
            seconds=channel_header.timestamp.seconds, microseconds=channel_header.timestamp.nanos // 1000
        )
    except (DecodeError, OverflowError) as error:
        raise UnreadableProposal(f"error unmarshalling proposal: {error}") from error
    _require_names(channel_header, spec)
    return Proposal(
        signed=signed.proposal_bytes,
        signature=signed.signature,
        channel_header=header.channel_header,
        signature_header=header.signature_header,
        chaincode_payload=proposal_pb2.ChaincodeProposalPayload(input=payload.input).SerializeToString(),
        header_type=channel_header.type,
        epoch=channel_header.epoch,
        channel=channel_header.channel_id,
        transaction_id=channel_header.tx_id,
        timestamp=timestamp,
        creator=signature_header.creator,
        nonce=signature_header.nonce,
        chaincode=spec.chaincode_id.name,
        arguments=tuple(spec.input.args),
        transient=dict(payload.TransientMap),
    )


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """The one id that fits: lower-case hex of sha256(nonce || creator) (protoutil/proputils.go, ComputeTxID)."""
    return hashlib.sha256(nonce + creator).hexdigest()


def proposal_hash(channel_header: bytes, signature_header: bytes, chaincode_payload: bytes) -> bytes:
    """The hash that ties endorsements to a proposal."""
    return hashlib.sha256(channel_header + signature_header + chaincode_payload).digest()


def prepare_transaction(
    proposal: Proposal, response_payload: bytes, endorsements: Iterable[proposal_response_pb2.Endorsement]
) -> common_pb2.Envelope:
    """The envelope for the client to sign."""
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=proposal.chaincode_payload,
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=response_payload, endorsements=endorsements
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[
            transaction_pb2.TransactionAction(header=proposal.signature_header, payload=action.SerializeToString())
        ]
    )
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=proposal.channel_header, signature_header=proposal.signature_header),
        data=transaction.SerializeToString(),
    )
    return common_pb2.Envelope(payload=payload.SerializeToString())


def _require_names(channel_header: common_pb2.ChannelHeader, spec: chaincode_pb2.ChaincodeSpec) -> None:
    """As internal/pkg/gateway/evaluate.go asks for them."""
    if not channel_header.channel_id:
        raise UnreadableProposal("no channel id provided")
    if not spec.chaincode_id.name:
        raise UnreadableProposal(f"no chaincode name is provided, channel id [{channel_header.channel_id}]")
