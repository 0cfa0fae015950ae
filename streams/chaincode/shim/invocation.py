"""What a peer's TRANSACTION message asks for, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID
from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2

from streams.chaincode.attributes import attributes_of
from streams.chaincode.state import Creator

_CREATORS_KEPT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call: `arguments` come after the function's name. `timestamp` is the proposal's, UTC."""

    transaction_id: str
    function: str
    arguments: tuple[str, ...]
    timestamp: datetime
    creator: Creator
    transient: Mapping[str, bytes]


def read_invocation(message: chaincode_shim_pb2.ChaincodeMessage) -> Invocation:
    """Take a TRANSACTION message apart. The peer has verified the proposal in it.

    Raises ValueError or protobuf's DecodeError for what no peer sends.
    """
    proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
    creator = common_pb2.SignatureHeader.FromString(header.signature_header).creator
    given = chaincode_pb2.ChaincodeInput.FromString(message.payload).args
    # As the Go shim: bytes that are no text do not stop the call (shim/stub.go, GetStringArgs).
    function, *arguments = [argument.decode(errors="replace") for argument in given] or [""]
    return Invocation(
        transaction_id=message.txid,
        function=function,
        arguments=tuple(arguments),
        timestamp=channel_header.timestamp.ToDatetime(tzinfo=UTC),
        creator=read_creator(creator),
        transient=dict(proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload).TransientMap),
    )


@lru_cache(maxsize=_CREATORS_KEPT)
def read_creator(serialized: bytes) -> Creator:
    """Who is behind a msp.SerializedIdentity. Raises ValueError if its certificate cannot be read."""
    identity = identities_pb2.SerializedIdentity.FromString(serialized)
    certificate = x509.load_pem_x509_certificate(identity.id_bytes)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Creator(
        msp_id=identity.mspid, name=str(names[0].value) if names else "", attributes=attributes_of(certificate)
    )
