"""What the gateway refuses: the texts, codes and details of Fabric 2.5.16, as measured there.

Three parts refuse. A peer refuses a proposal (PeerRefused, peer_refusals.py), the orderer an envelope (OrdererRefused,
orderer_refusals.py); the gateway turns both into the answer of the call (Refused).
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

NOBODY_SATISFIED = (
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
    """What at a peer said no.

    Only a refused proposal breaks the call between two peers, SIMULATION and CHAINCODE are answers. CONNECTION means
    that there was no answer, ENDORSEMENT that the gateway cannot use it.
    """

    PROPOSAL_CHECK = auto()
    SIMULATION = auto()
    CHAINCODE = auto()
    CONNECTION = auto()
    ENDORSEMENT = auto()


class PeerRefused(Exception):
    """A peer does not endorse a proposal.

    `message` is what the gateway reports; of a chaincode's refusal, `status` and `words` are the chaincode's own.
    """

    def __init__(
        self, message: str, by: RefusedBy = RefusedBy.PROPOSAL_CHECK, *, status: int = 500, words: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.by = by
        self.status = status
        self.words = words

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


class OrdererUnreachable(Exception):
    """The orderer gives no answer; `text` is what gRPC says of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


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


def wrong_start(kind: str) -> Refused:
    """A stream of chaincode events starts at a number or with the next block (chaincodeevents.go)."""
    return Refused(StatusCode.INVALID_ARGUMENT, f"invalid start position type: *orderer.SeekPosition_{kind}")


def not_a_reader(channel: str) -> Refused:
    """Unknown identity or wrong signature on a request for a commit status."""
    return Refused(
        StatusCode.PERMISSION_DENIED,
        f"Failed evaluating policy on signed data during check policy on channel [{channel}] "
        f"with policy [/Channel/Application/Readers]: [{NOBODY_SATISFIED.format(policy='Readers')}]",
    )


def refused_by_orderer(refusal: OrdererRefused) -> Refused:
    """The orderer answered with a 4xx, or with a 5xx, which the gateway does not show (submit.go)."""
    if refusal.status >= common_pb2.Status.INTERNAL_SERVER_ERROR:
        return no_orderers()
    name = common_pb2.Status.Name(refusal.status)
    return Refused(
        StatusCode.ABORTED, f"received unsuccessful response from orderer: status={name}, info={refusal.info}"
    )


def evaluation_refused(refusal: PeerRefused, detail: Detail) -> Refused:
    """The evaluating peer or its chaincode said no."""
    code = StatusCode.UNKNOWN if refusal.by is RefusedBy.CHAINCODE else StatusCode.FAILED_PRECONDITION
    return Refused(code, f"evaluate call to endorser returned error: {detail.message}", [detail])


def no_peer_combination() -> Refused:
    """The gateway knows too few peers: another organisation's is down, or the gateway has just started."""
    return Refused(
        StatusCode.FAILED_PRECONDITION,
        "no combination of peers can be derived which satisfy the endorsement policy: "
        "no peer combination can satisfy the endorsement policy",
    )


def no_orderers(details: Sequence[Detail] = ()) -> Refused:
    """No orderer answered, or none has a leader (then without details)."""
    return Refused(StatusCode.UNAVAILABLE, "no orderers could successfully process transaction", details)


def too_many_requests(limit: int) -> Refused:
    """Every slot of the gateway is taken (internal/peer/node/grpc_limiters.go)."""
    return Refused(StatusCode.UNKNOWN, f"too many requests for /gateway.Gateway, exceeding concurrency limit ({limit})")
