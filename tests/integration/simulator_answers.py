"""What a simulator answers, for comparison: the texts measured on Fabric 2.5.16, and how to read answers."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2
from google.rpc import status_pb2

from streams.simulator.identities import P256_ORDER
from streams.simulator.transactions import read_claim

P1, P2 = "peer0.org1.example.com:7051", "peer0.org2.example.com:9051"
MSP1, MSP2 = "Org1MSP", "Org2MSP"
M_END = "failed to endorse transaction, see attached details for more info"
M_COL = "failed to collect enough transaction endorsements, see attached details for more info"
M_EVAL = "evaluate call to endorser returned error: "
WRITERS = (
    "received unsuccessful response from orderer: status=FORBIDDEN, info=implicit policy evaluation failed - 0 "
    "sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: "
    "permission denied"
)
READERS = (
    "Failed evaluating policy on signed data during check policy on channel [gxchannel] with policy "
    "[/Channel/Application/Readers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, but this "
    "policy requires 1 of the 'Readers' sub-policies to be satisfied]"
)
NO_PLAN = (
    "no combination of peers can be derived which satisfy the endorsement policy: "
    "No metadata was found for chaincode {} in channel {}"
)
VALIDATING = "error validating proposal: "
DENIED = VALIDATING + "access denied: channel [gxchannel] creator org "


Details = list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a refused call says; `details` is None without the trailer."""

    code: str
    message: str
    details: Details | None


async def failure(call: Awaitable[object]) -> Failure:
    """How a call that must fail fails."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return Failure(code=error.code().name, message=error.details() or "", details=_details(error))
    raise AssertionError("the call was answered with OK")


def _details(error: grpc.aio.AioRpcError) -> Details | None:
    trailer = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if trailer is None:
        return None
    status = status_pb2.Status.FromString(trailer)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    rows = []
    for packed in status.details:
        detail = gateway_pb2.ErrorDetail()
        assert packed.Unpack(detail)
        rows.append((detail.address, detail.msp_id, detail.message))
    return rows


def result_of(envelope: common_pb2.Envelope) -> Any:
    """The chaincode's response inside a prepared transaction."""
    transaction = transaction_pb2.Transaction.FromString(read_claim(envelope).data)
    payload = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    response = proposal_response_pb2.ProposalResponsePayload.FromString(payload.action.proposal_response_payload)
    return proposal_pb2.ChaincodeAction.FromString(response.extension).response


def at(number: int) -> ab_pb2.SeekPosition:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def high_s(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)


def codes_of(block: object) -> list[tuple[str, str]]:
    return [
        (entry.txid, transaction_pb2.TxValidationCode.Name(entry.tx_validation_code))
        for entry in block.filtered_transactions  # type: ignore[attr-defined]
    ]


def refused_at(detail: tuple[str, str, str]) -> Failure:
    """The answer of Endorse when this peer refuses."""
    message = M_END if detail[0] == P1 else M_COL
    return Failure(code="ABORTED", message=message, details=[detail])
