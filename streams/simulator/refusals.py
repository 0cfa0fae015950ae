"""Every refusal that a client may see: the texts, codes and details of Fabric 2.5.16, as measured there.

Three parts refuse. A peer refuses a proposal (PeerRefused), the orderer an envelope (OrdererRefused); the gateway turns
both into the answer of the call (Refused).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from google.rpc import status_pb2
from grpc import StatusCode

COULD_NOT_ENDORSE = "failed to endorse transaction, see attached details for more info"
COULD_NOT_COLLECT = "failed to collect enough transaction endorsements, see attached details for more info"
COULD_NOT_EVALUATE = "failed to evaluate transaction, see attached details for more info"
DIFFERENT_PAYLOADS = "ProposalResponsePayloads do not match"

_NOBODY_SATISFIED = (
    "implicit policy evaluation failed - 0 sub-policies were satisfied, "
    "but this policy requires 1 of the '{policy}' sub-policies to be satisfied"
)
_TRAILER = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A row of `gateway.ErrorDetail`: which part said what."""

    address: str
    msp_id: str
    message: str


class Refused(Exception):
    """The answer of a gateway call that is not OK."""

    def __init__(self, code: StatusCode, message: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)

    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata: a google.rpc.Status that repeats code and message; nothing without details."""
        if not self.details:
            return ()
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            status.details.add().Pack(
                gateway_pb2.ErrorDetail(address=detail.address, msp_id=detail.msp_id, message=detail.message)
            )
        return ((_TRAILER, status.SerializeToString()),)


class RefusedBy(Enum):
    """What at a peer said no. Only a refused proposal breaks the call between two peers, the others are answers."""

    PROPOSAL_CHECK = auto()
    SIMULATION = auto()
    CHAINCODE = auto()


class PeerRefused(Exception):
    """A peer does not endorse a proposal."""

    def __init__(self, message: str, by: RefusedBy = RefusedBy.PROPOSAL_CHECK) -> None:
        super().__init__(message)
        self.message = message
        self.by = by

    def as_seen_remotely(self) -> str:
        """The text after its way from another peer to the gateway."""
        if self.by is RefusedBy.PROPOSAL_CHECK:
            return f"rpc error: code = Unknown desc = {self.message}"
        return self.message


class OrdererRefused(Exception):
    """The orderer does not take an envelope; `status` is a value of common.Status."""

    def __init__(self, status: int, info: str) -> None:
        super().__init__(info)
        self.status = status
        self.info = info


# ---- what a peer says -------------------------------------------------------------------------------------------


def invalid_proposal(reason: str) -> PeerRefused:
    """A proposal that fails a check of core/endorser/msgvalidation.go."""
    return PeerRefused(f"error validating proposal: {reason}")


def malformed_creator(channel: str) -> PeerRefused:
    """Not PEM, not of this organisation's CA, or an organisation that nobody knows: one and the same answer."""
    return invalid_proposal(f"access denied: channel [{channel}] creator org unknown, creator is malformed")


def bad_proposal_signature(channel: str, msp_id: str) -> PeerRefused:
    """The signature does not fit, or its S is high."""
    return invalid_proposal(f"access denied: channel [{channel}] creator org [{msp_id}]")


def wrong_transaction_id(sent: str, expected: str) -> PeerRefused:
    """The id is not sha256(nonce || creator) in lower case."""
    return invalid_proposal(f"incorrectly computed txid '{sent}' -- expected '{expected}'")


def duplicate_transaction(transaction_id: str, creator: bytes) -> PeerRefused:
    """The id is on the ledger, with any code."""
    return PeerRefused(f"duplicate transaction found [{transaction_id}]. Creator [{creator.hex()}]")


def expired_client() -> PeerRefused:
    """Said by every peer but the gateway's own, which does not look."""
    return PeerRefused("proposal client identity expired")


def chaincode_answered(status: int, message: str) -> PeerRefused:
    """The chaincode answered with status 400 or higher."""
    return PeerRefused(f"chaincode response {status}, {message}", RefusedBy.CHAINCODE)


def already_simulating(transaction_id: str, channel: str) -> PeerRefused:
    """The same id is being simulated at this moment."""
    return _could_not_simulate(transaction_id, f"txid: {transaction_id}({channel}) exists")


def chaincode_died(transaction_id: str) -> PeerRefused:
    """The chaincode broke off instead of answering."""
    return _could_not_simulate(transaction_id, "chaincode stream terminated")


def _could_not_simulate(transaction_id: str, reason: str) -> PeerRefused:
    text = f"error in simulation: failed to execute transaction {transaction_id}: error sending: {reason}"
    return PeerRefused(text, RefusedBy.SIMULATION)


# ---- what the orderer says --------------------------------------------------------------------------------------


def not_a_writer() -> OrdererRefused:
    """Unknown creator, wrong signature, or a role that may not write."""
    return OrdererRefused(
        common_pb2.Status.FORBIDDEN, _NOBODY_SATISFIED.format(policy="Writers") + ": permission denied"
    )


def envelope_too_large(size_bytes: int, max_bytes: int) -> OrdererRefused:
    """Over Orderer.BatchSize.AbsoluteMaxBytes."""
    return OrdererRefused(
        common_pb2.Status.BAD_REQUEST,
        f"message payload is {size_bytes} bytes and exceeds maximum allowed {max_bytes} bytes",
    )


def expired_broadcaster() -> OrdererRefused:
    """The certificate has run out since the endorsement, or before."""
    return OrdererRefused(common_pb2.Status.BAD_REQUEST, "broadcast client identity expired")


def unreadable_envelope(reason: str) -> OrdererRefused:
    """No envelope at all."""
    return OrdererRefused(common_pb2.Status.BAD_REQUEST, reason)


def no_such_channel_to_order() -> OrdererRefused:
    """The envelope's own header names another channel (orderer/common/broadcast/broadcast.go)."""
    return OrdererRefused(common_pb2.Status.NOT_FOUND, "channel does not exist")


# ---- what the gateway says --------------------------------------------------------------------------------------


def invalid_request(message: str) -> Refused:
    """A request without the part that it is about."""
    return Refused(StatusCode.INVALID_ARGUMENT, message)


def no_endorsers(chaincode: str, channel: str) -> Refused:
    """No such chaincode or channel, asked to endorse."""
    return Refused(
        StatusCode.FAILED_PRECONDITION,
        "no combination of peers can be derived which satisfy the endorsement policy: "
        f"No metadata was found for chaincode {chaincode} in channel {channel}",
    )


def no_evaluators(chaincode: str, channel: str) -> Refused:
    """No such chaincode, asked to evaluate."""
    return Refused(
        StatusCode.FAILED_PRECONDITION, f"no peers available to evaluate chaincode {chaincode} in channel {channel}"
    )


def no_peers_of(msp_ids: Sequence[str]) -> Refused:
    """The organisations named have no peer with this chaincode on this channel."""
    return Refused(StatusCode.UNAVAILABLE, f"failed to find any endorsing peers for org(s): {', '.join(msp_ids)}")


def no_channel_config(channel: str, code: StatusCode) -> Refused:
    """No such channel: UNAVAILABLE from Evaluate, FAILED_PRECONDITION from Submit."""
    return Refused(
        code, f"failed to get config for channel [{channel}]: could not get last config for channel {channel}"
    )


def no_policy_manager(channel: str) -> Refused:
    """No such channel, asked for a commit status."""
    return Refused(StatusCode.PERMISSION_DENIED, f"Failed to get policy manager for channel [{channel}]")


def not_a_reader(channel: str) -> Refused:
    """Unknown identity or wrong signature on a request for a commit status."""
    return Refused(
        StatusCode.PERMISSION_DENIED,
        f"Failed evaluating policy on signed data during check policy on channel [{channel}] "
        f"with policy [/Channel/Application/Readers]: [{_NOBODY_SATISFIED.format(policy='Readers')}]",
    )


def refused_by_orderer(refusal: OrdererRefused) -> Refused:
    """The orderer answered with a 4xx."""
    name = common_pb2.Status.Name(refusal.status)
    return Refused(
        StatusCode.ABORTED, f"received unsuccessful response from orderer: status={name}, info={refusal.info}"
    )


def evaluation_refused(refusal: PeerRefused, detail: Detail) -> Refused:
    """The evaluating peer or its chaincode said no."""
    code = StatusCode.UNKNOWN if refusal.by is RefusedBy.CHAINCODE else StatusCode.FAILED_PRECONDITION
    return Refused(code, f"evaluate call to endorser returned error: {detail.message}", [detail])


def too_many_requests(limit: int) -> Refused:
    """Every slot of the gateway is taken (internal/peer/node/grpc_limiters.go)."""
    return Refused(StatusCode.UNKNOWN, f"too many requests for /gateway.Gateway, exceeding concurrency limit ({limit})")
