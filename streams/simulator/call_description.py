"""What a fault may be limited to: who calls, and which function. Nothing here is verified."""

from __future__ import annotations

from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2
from google.protobuf.message import DecodeError

from streams.simulator.fault_book import Call
from streams.simulator.faults import Rpc
from streams.simulator.identities import Membership, UnknownIdentity
from streams.simulator.proposals import UnreadableProposal, read_proposal
from streams.simulator.transactions import Claim, UnreadableEnvelope, called_function, read_claim


def describe(rpc: Rpc, request: Any, membership: Membership) -> Call:
    """The call behind a request message of the gateway, the endorser, or the orderer."""
    match rpc:
        case Rpc.ENDORSE | Rpc.EVALUATE:
            return _describe_proposal(rpc, request.proposed_transaction, membership)
        case Rpc.PROPOSE:
            return _describe_proposal(rpc, request, membership)
        case Rpc.SUBMIT:
            return _describe_bytes(rpc, request.prepared_transaction, membership)
        case Rpc.BROADCAST | Rpc.DELIVER:
            return _describe_bytes(rpc, request, membership)
        case Rpc.COMMIT_STATUS:
            return _describe_signed(rpc, gateway_pb2.CommitStatusRequest, request.request, membership)
        case Rpc.CHAINCODE_EVENTS:
            return _describe_signed(rpc, gateway_pb2.ChaincodeEventsRequest, request.request, membership)
    raise ValueError(f"{rpc} is not asked for by a message")


def describe_envelope(rpc: Rpc, claim: Claim, membership: Membership) -> Call:
    """The call behind an envelope; one that is no transaction names no function."""
    is_transaction = claim.header_type == common_pb2.HeaderType.ENDORSER_TRANSACTION
    function = called_function(claim) if is_transaction else ""
    return Call(rpc=rpc, identity=_name(claim.creator, membership), function=function)


def _describe_bytes(rpc: Rpc, envelope: common_pb2.Envelope, membership: Membership) -> Call:
    try:
        return describe_envelope(rpc, read_claim(envelope), membership)
    except UnreadableEnvelope:
        return Call(rpc=rpc, identity="", function="")


def _describe_proposal(rpc: Rpc, signed: proposal_pb2.SignedProposal, membership: Membership) -> Call:
    try:
        proposal = read_proposal(signed)
    except UnreadableProposal:
        return Call(rpc=rpc, identity="", function="")
    function = proposal.arguments[0].decode(errors="replace") if proposal.arguments else ""
    return Call(rpc=rpc, identity=_name(proposal.creator, membership), function=function)


def _describe_signed(rpc: Rpc, message: Any, content: bytes, membership: Membership) -> Call:
    try:
        return Call(rpc=rpc, identity=_name(message.FromString(content).identity, membership), function="")
    except DecodeError:
        return Call(rpc=rpc, identity="", function="")


def _name(creator: bytes, membership: Membership) -> str:
    try:
        return membership.identify(creator).name
    except UnknownIdentity:
        return ""
