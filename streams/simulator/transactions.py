"""An envelope of a block, taken apart: what it claims, what it read and wrote, who endorsed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from google.protobuf.message import DecodeError

from streams.simulator.blocks import validation_codes
from streams.simulator.proposals import proposal_hash


class UnreadableEnvelope(Exception):
    """The bytes are not an envelope with payload and headers."""


class UnreadableTransaction(Exception):
    """The payload is not a transaction of one chaincode call, or its parts do not belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an envelope says of itself; nothing is verified."""

    payload: bytes
    signature: bytes
    channel_header: bytes
    data: bytes
    header_type: int
    epoch: int
    channel: str
    transaction_id: str
    creator: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The chaincode call inside a transaction. `namespaces` are those that its results name."""

    chaincode: str
    response_payload: bytes
    endorsements: Sequence[proposal_response_pb2.Endorsement]
    namespaces: Sequence[str]
    results: kv_rwset_pb2.KVRWSet
    event: chaincode_event_pb2.ChaincodeEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An envelope on its way into a block: its exact bytes, and what they claim; None when they cannot be read."""

    serialized: bytes
    claim: Claim | None

    @classmethod
    def read(cls, serialized: bytes) -> Ordered:
        """Any bytes as they might come out of an orderer."""
        try:
            return cls(serialized=serialized, claim=read_serialized(serialized))
        except UnreadableEnvelope:
            return cls(serialized=serialized, claim=None)

    def __len__(self) -> int:
        """Bytes in the block."""
        return len(self.serialized)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """An entry of a block, valid or not; `action` is None when it holds no call that could be read."""

    transaction_id: str
    header_type: int
    code: int
    action: Action | None


def read_block(block: common_pb2.Block) -> list[Committed]:
    """The entries of a block, in order."""
    codes = validation_codes(block)
    return [
        committed(Ordered.read(serialized).claim, code) for serialized, code in zip(block.data.data, codes, strict=True)
    ]


def committed(claim: Claim | None, code: int, action: Action | None = None) -> Committed:
    """One entry; `action` saves reading the call again."""
    if claim is None:
        return Committed(transaction_id="", header_type=common_pb2.HeaderType.MESSAGE, code=code, action=None)
    if action is None and claim.header_type == common_pb2.HeaderType.ENDORSER_TRANSACTION:
        action = _perhaps_action(claim)
    return Committed(transaction_id=claim.transaction_id, header_type=claim.header_type, code=code, action=action)


def called_function(claim: Claim) -> str:
    """The function that a transaction calls; "" when that cannot be read."""
    try:
        action = transaction_pb2.Transaction.FromString(claim.data).actions[0]
        payload = transaction_pb2.ChaincodeActionPayload.FromString(action.payload)
        proposed = proposal_pb2.ChaincodeProposalPayload.FromString(payload.chaincode_proposal_payload)
        spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(proposed.input).chaincode_spec
        return bytes(spec.input.args[0]).decode(errors="replace")
    except (DecodeError, IndexError):
        return ""


def _perhaps_action(claim: Claim) -> Action | None:
    try:
        return read_action(claim)
    except UnreadableTransaction:
        return None


def read_serialized(envelope: bytes) -> Claim:
    """Take the headers of an envelope of a block apart. Raises UnreadableEnvelope."""
    try:
        return read_claim(common_pb2.Envelope.FromString(envelope))
    except DecodeError as error:
        raise UnreadableEnvelope(str(error)) from error


def read_claim(envelope: common_pb2.Envelope) -> Claim:
    """Take the headers of an envelope apart. Raises UnreadableEnvelope."""
    try:
        payload = common_pb2.Payload.FromString(envelope.payload)
        channel_header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        signature_header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
    except DecodeError as error:
        raise UnreadableEnvelope(str(error)) from error
    return Claim(
        payload=envelope.payload,
        signature=envelope.signature,
        channel_header=payload.header.channel_header,
        data=payload.data,
        header_type=channel_header.type,
        epoch=channel_header.epoch,
        channel=channel_header.channel_id,
        transaction_id=channel_header.tx_id,
        creator=signature_header.creator,
        nonce=signature_header.nonce,
    )


def read_action(claim: Claim) -> Action:
    """Take the transaction of an envelope apart.

    Raises UnreadableTransaction, also when the endorsements are for another proposal than the one in the envelope.
    """
    try:
        action = transaction_pb2.Transaction.FromString(claim.data).actions
        if len(action) != 1:
            raise UnreadableTransaction(f"a transaction has one action, this one {len(action)}")
        payload = transaction_pb2.ChaincodeActionPayload.FromString(action[0].payload)
        response_payload = payload.action.proposal_response_payload
        response = proposal_response_pb2.ProposalResponsePayload.FromString(response_payload)
        called = proposal_pb2.ChaincodeAction.FromString(response.extension)
        namespaces = rwset_pb2.TxReadWriteSet.FromString(called.results).ns_rwset
        expected = proposal_hash(claim.channel_header, action[0].header, payload.chaincode_proposal_payload)
        if response.proposal_hash != expected:
            raise UnreadableTransaction("proposal hash does not match")
        return Action(
            chaincode=called.chaincode_id.name,
            response_payload=response_payload,
            endorsements=payload.action.endorsements,
            namespaces=[namespace.namespace for namespace in namespaces],
            results=kv_rwset_pb2.KVRWSet.FromString(namespaces[0].rwset if namespaces else b""),
            event=chaincode_event_pb2.ChaincodeEvent.FromString(called.events) if called.events else None,
        )
    except DecodeError as error:
        raise UnreadableTransaction(str(error)) from error
