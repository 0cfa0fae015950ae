"""What is signed and sent: proposals, envelopes, requests for a commit status or for blocks.

Built as fabric-gateway does it: pkg/client/{proposalbuilder,transactioncontext,commit,blockeventsbuilder}.go.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from streams.fabric.ids import transaction_id
from streams.fabric.wallet import Identity

NO_LAST_BLOCK = 2**64 - 1


def signed_proposal(
    identity: Identity,
    *,
    channel: str,
    chaincode: str,
    arguments: Sequence[str],
    nonce: bytes,
    transient: Mapping[str, bytes],
    at: datetime,
) -> proposal_pb2.SignedProposal:
    """A call of a chaincode, signed. `transient` reaches the chaincode but not the ordered envelope.

    Raises UnicodeEncodeError.
    """
    chaincode_id, extension = _chaincode(chaincode)
    spec = chaincode_pb2.ChaincodeSpec(
        chaincode_id=chaincode_id,
        input=chaincode_pb2.ChaincodeInput(args=[argument.encode() for argument in arguments]),
    )
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.ENDORSER_TRANSACTION,
        timestamp=_timestamp(at),
        channel_id=channel,
        tx_id=transaction_id(nonce, identity.creator),
        extension=extension,
    )
    payload = proposal_pb2.ChaincodeProposalPayload(
        input=chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString(),
        TransientMap=dict(transient),
    )
    proposal = proposal_pb2.Proposal(
        header=_header(identity, channel_header, nonce).SerializeToString(), payload=payload.SerializeToString()
    ).SerializeToString()
    return proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=identity.sign(proposal))


def endorse_request(
    transaction_id: str, channel: str, proposal: proposal_pb2.SignedProposal, organisations: Sequence[str]
) -> bytes:
    """A serialised EndorseRequest; no `organisations`: as the chaincode's policy says."""
    request = gateway_pb2.EndorseRequest(
        transaction_id=transaction_id,
        channel_id=channel,
        proposed_transaction=proposal,
        endorsing_organizations=organisations,
    )
    serialised: bytes = request.SerializeToString()
    return serialised


def submit_request(transaction_id: str, channel: str, payload: bytes, signature: bytes) -> bytes:
    """A serialised SubmitRequest of an envelope."""
    request = gateway_pb2.SubmitRequest(
        transaction_id=transaction_id,
        channel_id=channel,
        prepared_transaction=common_pb2.Envelope(payload=payload, signature=signature),
    )
    serialised: bytes = request.SerializeToString()
    return serialised


def commit_status_request(
    identity: Identity, channel: str, transaction_id: str
) -> gateway_pb2.SignedCommitStatusRequest:
    """Ask for the code and block number of a transaction."""
    request = gateway_pb2.CommitStatusRequest(
        transaction_id=transaction_id, channel_id=channel, identity=identity.creator
    ).SerializeToString()
    return gateway_pb2.SignedCommitStatusRequest(request=request, signature=identity.sign(request))


def seek_envelope(identity: Identity, channel: str, first_block: int | None, at: datetime) -> common_pb2.Envelope:
    """Ask for every block from `first_block` on (None: from the newest), without end.

    `at` must be within 15 minutes of the peer's clock (common/deliver/deliver.go).
    """
    start = (
        ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
        if first_block is None
        else ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=first_block))
    )
    seek = ab_pb2.SeekInfo(
        start=start,
        stop=ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=NO_LAST_BLOCK)),
        behavior=ab_pb2.SeekInfo.BLOCK_UNTIL_READY,
    )
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.DELIVER_SEEK_INFO, timestamp=_timestamp(at), channel_id=channel
    )
    payload = common_pb2.Payload(
        header=_header(identity, channel_header, secrets.token_bytes(24)), data=seek.SerializeToString()
    ).SerializeToString()
    return common_pb2.Envelope(payload=payload, signature=identity.sign(payload))


def _header(identity: Identity, channel_header: common_pb2.ChannelHeader, nonce: bytes) -> common_pb2.Header:
    signature_header = common_pb2.SignatureHeader(creator=identity.creator, nonce=nonce)
    return common_pb2.Header(
        channel_header=channel_header.SerializeToString(), signature_header=signature_header.SerializeToString()
    )


@lru_cache(maxsize=8)
def _chaincode(name: str) -> tuple[chaincode_pb2.ChaincodeID, bytes]:
    """The id of a chaincode, and the extension of a channel header that names it: the same in every proposal."""
    chaincode_id = chaincode_pb2.ChaincodeID(name=name)
    return chaincode_id, proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_id).SerializeToString()


def _timestamp(at: datetime) -> Timestamp:
    return Timestamp(seconds=int(at.timestamp()), nanos=at.microsecond * 1000)
