"""What no good client sends: wrong proposals and seeks with the answer to each, and creators whom nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2
from simulator_answers import DENIED, MSP1, VALIDATING, at, high_s
from simulator_client import OLDEST
from simulator_member import Member, SignedProposal

from streams.simulator.certificates import Authority


def right_id(member: Member) -> str:
    return member.propose("write", "a", "1", nonce=b"n").transaction_id


def spoilt(member: Member, spoil: Callable[[bytes], bytes]) -> SignedProposal:
    signed = member.propose("write", "a", "1")
    message = proposal_pb2.SignedProposal(
        proposal_bytes=signed.message.proposal_bytes, signature=spoil(signed.message.signature)
    )
    return SignedProposal(transaction_id=signed.transaction_id, message=message)


PROPOSALS: dict[str, tuple[Callable[[Member], SignedProposal], str]] = {
    "wrong id": (
        lambda member: member.propose("write", "a", "1", nonce=b"n", claimed_id="00"),
        VALIDATING + "incorrectly computed txid '00' -- expected '{id}'",
    ),
    "id in upper case": (
        lambda member: member.propose("write", "a", "1", nonce=b"n", claimed_id=right_id(member).upper()),
        VALIDATING + "incorrectly computed txid '{ID}' -- expected '{id}'",
    ),
    "empty nonce": (lambda member: member.propose("write", "a", "1", nonce=b""), VALIDATING + "nonce is empty"),
    "empty signature": (lambda member: spoilt(member, lambda _: b""), VALIDATING + "empty signature bytes"),
    "junk signature": (lambda member: spoilt(member, lambda _: b"junk"), DENIED + "[Org1MSP]"),
    "signature of another message": (
        lambda member: spoilt(member, lambda _: member.signer.sign(b"another message")),
        DENIED + "[Org1MSP]",
    ),
    "high S": (lambda member: spoilt(member, high_s), DENIED + "[Org1MSP]"),
}


STRANGERS = ("unknown CA", "unknown MSP", "no PEM")


def stranger(authority: Authority, who: str) -> Member:
    """A creator whom nobody knows; `authority` is the one of Org1MSP."""
    of_nobody = authority.issue("somebody", "client")
    if who == "unknown CA":
        return Member(MSP1, Authority.make("ca.Org1MSP").issue("stranger", "client"))
    if who == "unknown MSP":
        return Member("NoMSP", of_nobody)
    member = Member(MSP1, of_nobody)
    member.creator = b"not an identity"
    return member


def prepared(member: Member) -> common_pb2.Envelope:
    """An envelope that no peer has seen; the orderer looks only at who signed it."""
    proposal = proposal_pb2.Proposal.FromString(member.propose("write", "a", "1").message.proposal_bytes)
    payload = common_pb2.Payload(header=common_pb2.Header.FromString(proposal.header))
    return member.sign(common_pb2.Envelope(payload=payload.SerializeToString()))


def spoilt_envelope(envelope: common_pb2.Envelope, spoil: Callable[[bytes], bytes]) -> common_pb2.Envelope:
    return common_pb2.Envelope(payload=envelope.payload, signature=spoil(envelope.signature))


def minutes_from_now(minutes: int) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


SEEKS: dict[str, tuple[Callable[[Member], common_pb2.Envelope], str]] = {
    "start after stop": (lambda member: member.seek(at(1), at(0)), "BAD_REQUEST"),
    "unknown channel": (lambda member: member.seek(OLDEST, channel="nochan"), "NOT_FOUND"),
    "16 minutes old": (lambda member: member.seek(OLDEST, sent_at=minutes_from_now(-16)), "BAD_REQUEST"),
    "16 minutes ahead": (lambda member: member.seek(OLDEST, sent_at=minutes_from_now(16)), "BAD_REQUEST"),
    "another signature": (
        lambda member: spoilt_envelope(member.seek(OLDEST), lambda _: member.signer.sign(b"x")),
        "FORBIDDEN",
    ),
    "high S": (lambda member: spoilt_envelope(member.seek(OLDEST), high_s), "FORBIDDEN"),
    "no payload": (lambda _: common_pb2.Envelope(payload=b"\xff\xff"), "BAD_REQUEST"),
}


EMPTY_REQUESTS: list[tuple[str, object, str]] = [
    ("Endorse", gateway_pb2.EndorseRequest(), "the proposed transaction must contain a signed proposal"),
    (
        "Evaluate",
        gateway_pb2.EvaluateRequest(),
        "failed to unpack transaction proposal: a signed proposal is required",
    ),
    ("Submit", gateway_pb2.SubmitRequest(), "a prepared transaction is required"),
    ("CommitStatus", gateway_pb2.SignedCommitStatusRequest(), "a commit status request is required"),
]
"""The gateway's call, a request with nothing in it, and the answer's message."""
