"""What a gateway answered on Fabric 2.5.16, as measured, and what the table of translations makes of it."""
# ruff: noqa: E501, E741 (answers of a peer are quoted whole)

from __future__ import annotations

from dataclasses import dataclass

import grpc

from streams.fabric.codes import FailureCode as F
from streams.fabric.failures import Failure, detail

T = "ab" * 32
P1, P2, O = ("p1:7051", "Org1MSP"), ("p2:9051", "Org2MSP"), ("o:7050", "OrdererMSP")
END = "failed to endorse transaction, see attached details for more info"
COL = "failed to collect enough transaction endorsements, see attached details for more info"
EVAL = "evaluate call to endorser returned error: "
NO_PEERS = "no combination of peers can be derived which satisfy the endorsement policy: "
NO_ORDERERS = "no orderers could successfully process transaction"
ORDERER = "received unsuccessful response from orderer: status="
DENIED = "error validating proposal: access denied: channel [gxchannel] creator org [Org1MSP]"
UNKNOWN_CREATOR = (
    "error validating proposal: access denied: channel [gxchannel] creator org unknown, creator is malformed"
)
DUPLICATE = f"duplicate transaction found [{T}]. Creator [0a07]"
LIMIT = "too many requests for /gateway.Gateway, exceeding concurrency limit (500)"
NO_CONFIG = "failed to get config for channel [nochan]: could not get last config for channel nochan"
REFUSED_DIAL = (
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
    'dial tcp 127.0.0.1:9051: connect: connection refused"'
)
HUNG = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
RST = "stream terminated by RST_STREAM with error code: CANCEL"
SIMULATION = f"error in simulation: failed to execute transaction {T}: "
NO_LAUNCH = SIMULATION + (
    "could not launch chaincode gxtv3_1:0: connection to gxtv3_1:0 failed: error cannot create connection for "
    'gxtv3_1:0: error creating grpc connection to cc:9999: failed to create new connection: connection error: desc = "'
    'transport: error while dialing: dial tcp 127.0.0.1:9999: connect: connection refused"'
)
NOT_CONNECTED = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7051: "
    "Failed to connect to remote host: Connection refused"
)
BAD_TLS = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7051: Tls handshake failed "
    "(TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED: self signed certificate"
)
PLAIN_TEXT = "failed to connect to all addresses; last error: UNAVAILABLE: ipv4:127.0.0.1:7051: Socket closed"
BAD_NAME = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7051: Custom verification check failed "
    "with error: UNAUTHENTICATED: Hostname Verification Check failed."
)
NO_SUCH_HOST = "errors resolving peer0:7051: [field:hostname lookup error:address lookup failed: Domain name not found]"
BROKEN = "Stream removed (Socket closed)"
READERS = (
    "Failed evaluating policy on signed data during check policy on channel [gxchannel] with policy "
    "[/Channel/Application/Readers]: [implicit policy evaluation failed - 0 sub-policies were satisfied]"
)


def answer(code: str, text: str, *details: tuple[tuple[str, str], str]) -> Failure:
    return Failure(
        code=grpc.StatusCode[code], text=text, details=tuple(detail(*who, message) for who, message in details)
    )


@dataclass(frozen=True)
class Case:
    failure: Failure
    code: F
    refused: bool = False
    may_be_on_ledger: bool = False


def row(failure: Failure, code: F, *, refused: bool = False, may_be_on_ledger: bool = False) -> Case:
    return Case(failure, code, refused, may_be_on_ledger)


ENDORSE = [
    row(answer("FAILED_PRECONDITION", NO_PEERS + "No metadata was found for chaincode nope in channel gxchannel"), F.UNKNOWN_CHAINCODE),
    row(answer("FAILED_PRECONDITION", NO_PEERS + "No metadata was found for chaincode gxtv3 in channel nochan"), F.UNKNOWN_CHAINCODE),
    row(answer("FAILED_PRECONDITION", NO_PEERS + "No metadata was found for chaincode qscc in channel gxchannel"), F.UNKNOWN_CHAINCODE),
    row(answer("FAILED_PRECONDITION", NO_PEERS + "no peer combination can satisfy the endorsement policy"), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", "failed to find any endorsing peers for org(s): Org2MSP"), F.PEER_UNAVAILABLE),
    row(answer("FAILED_PRECONDITION", "failed to select a set of endorsers that satisfy the endorsement policy due to unavailability of peers: [{p2 Org2MSP}]"), F.PEER_UNAVAILABLE),
    row(answer("FAILED_PRECONDITION", "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) to protect transient data"), F.PEER_UNAVAILABLE),
    row(answer("ABORTED", END, (P1, "chaincode response 500, insufficient funds")), F.CHAINCODE_REFUSED, refused=True),
    row(answer("ABORTED", END, (P1, "chaincode response 404, nobody\nhere")), F.CHAINCODE_REFUSED, refused=True),
    row(answer("ABORTED", COL, (P2, "chaincode response 503, later")), F.ENDORSEMENT_MISMATCH),
    row(answer("ABORTED", END, (P1, f"chaincode response 500, peer said: {DUPLICATE}")), F.CHAINCODE_REFUSED, refused=True),
    row(answer("ABORTED", END, (P1, "chaincode response 500, other side: connection refused")), F.CHAINCODE_REFUSED, refused=True),
    row(answer("ABORTED", COL, (P2, REFUSED_DIAL), (P1, "chaincode response 500, no")), F.ENDORSEMENT_MISMATCH),
    row(answer("ABORTED", END, (P1, UNKNOWN_CREATOR)), F.ACCESS_DENIED),
    row(answer("ABORTED", END, (P1, DENIED)), F.ACCESS_DENIED),
    row(answer("ABORTED", COL, (P2, f"rpc error: code = Unknown desc = {DENIED}")), F.ACCESS_DENIED),
    row(answer("ABORTED", END, (P1, "error validating proposal: empty signature bytes")), F.REQUEST_INVALID),
    row(answer("ABORTED", END, (P1, "error validating proposal: incorrectly computed txid 'x' -- expected 'y'")), F.REQUEST_INVALID),
    row(answer("ABORTED", END, (P1, "error validating proposal: nonce is empty")), F.REQUEST_INVALID),
    row(answer("INVALID_ARGUMENT", "the proposed transaction must contain a signed proposal"), F.REQUEST_INVALID),
    row(answer("UNAVAILABLE", "failed to find any endorsing peers for org(s): NoMSP"), F.PEER_UNAVAILABLE),
    row(answer("ABORTED", COL, (P2, "rpc error: code = Unknown desc = proposal client identity expired")), F.IDENTITY_EXPIRED),
    row(answer("ABORTED", END, (P1, SIMULATION + f"error sending: txid: {T}(gxchannel) exists")), F.BEING_SIMULATED),
    row(answer("ABORTED", COL, (P2, "ProposalResponsePayloads do not match")), F.ENDORSEMENT_MISMATCH),
    row(answer("ABORTED", COL, (P2, REFUSED_DIAL)), F.PEER_UNAVAILABLE),
    row(answer("ABORTED", COL, (P2, "rpc error: code = Unavailable desc = error reading from server: read tcp: connection reset by peer")), F.PEER_UNAVAILABLE),
    row(answer("ABORTED", COL, (P2, HUNG)), F.TIMEOUT),
    row(answer("ABORTED", COL, (P2, f"rpc error: code = DeadlineExceeded desc = {RST}")), F.TIMEOUT),
    row(answer("ABORTED", COL, (P2, f"rpc error: code = Canceled desc = {RST}")), F.TIMEOUT),
    row(answer("ABORTED", END, (P1, NO_LAUNCH)), F.CHAINCODE_UNAVAILABLE),
    row(answer("ABORTED", END, (P1, SIMULATION + "error sending: chaincode stream terminated")), F.CHAINCODE_UNAVAILABLE),
    row(answer("ABORTED", END, (P1, SIMULATION + "error sending: timeout expired while executing transaction")), F.TIMEOUT),
    row(answer("UNKNOWN", LIMIT), F.OVERLOADED),
    row(answer("ABORTED", COL, (P2, "rpc error: code = Unknown desc = too many requests for /protos.Endorser, exceeding concurrency limit (9)")), F.OVERLOADED),
    row(answer("DEADLINE_EXCEEDED", "Deadline Exceeded"), F.TIMEOUT),
    row(answer("DEADLINE_EXCEEDED", "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))"), F.TIMEOUT),
    row(answer("CANCELLED", "Locally cancelled by application!"), F.CANCELLED),
    row(answer("UNAVAILABLE", NOT_CONNECTED), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", NO_SUCH_HOST), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", BROKEN), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", BAD_TLS), F.TLS),
    row(answer("UNAVAILABLE", BAD_NAME), F.TLS),
    row(answer("UNAVAILABLE", PLAIN_TEXT), F.PEER_UNAVAILABLE),
    row(answer("ABORTED", END, (P1, "something new")), F.UNRECOGNISED),
    row(answer("INTERNAL", ""), F.UNRECOGNISED),
]  # fmt: skip

SUBMIT = [
    row(answer("FAILED_PRECONDITION", NO_CONFIG), F.UNKNOWN_CHANNEL),
    row(answer("ABORTED", ORDERER + "FORBIDDEN, info=implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied"), F.ACCESS_DENIED),
    row(answer("INVALID_ARGUMENT", "prepared transaction must be signed"), F.REQUEST_INVALID),
    row(answer("INVALID_ARGUMENT", "a prepared transaction is required"), F.REQUEST_INVALID),
    row(answer("ABORTED", ORDERER + "BAD_REQUEST, info=message payload is 11538255 bytes and exceeds maximum allowed 10485760 bytes"), F.ENVELOPE_TOO_LARGE, refused=True),
    row(answer("ABORTED", ORDERER + "BAD_REQUEST, info=broadcast client identity expired"), F.IDENTITY_EXPIRED),
    row(answer("ABORTED", ORDERER + "NOT_FOUND, info=channel does not exist"), F.ORDERER_REFUSED),
    row(answer("UNAVAILABLE", "no orderer nodes available"), F.ORDERER_UNAVAILABLE),
    row(answer("UNAVAILABLE", NO_ORDERERS, (O, REFUSED_DIAL)), F.ORDERER_UNAVAILABLE),
    row(answer("UNAVAILABLE", NO_ORDERERS, (O, REFUSED_DIAL), (O, REFUSED_DIAL)), F.ORDERER_UNAVAILABLE),
    row(answer("UNAVAILABLE", NO_ORDERERS, (O, REFUSED_DIAL), (O, HUNG)), F.ORDERER_UNAVAILABLE, may_be_on_ledger=True),
    row(answer("UNAVAILABLE", NO_ORDERERS, (O, HUNG)), F.ORDERER_UNAVAILABLE, may_be_on_ledger=True),
    row(answer("UNAVAILABLE", NO_ORDERERS), F.ORDERER_UNAVAILABLE, may_be_on_ledger=True),
    row(answer("DEADLINE_EXCEEDED", "Deadline Exceeded"), F.TIMEOUT, may_be_on_ledger=True),
    row(answer("CANCELLED", "Locally cancelled by application!"), F.CANCELLED, may_be_on_ledger=True),
    row(answer("UNAVAILABLE", NOT_CONNECTED), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", NO_SUCH_HOST), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", BROKEN), F.PEER_UNAVAILABLE, may_be_on_ledger=True),
    row(answer("UNAVAILABLE", "Stream removed (recvmsg:Connection reset by peer (104))"), F.PEER_UNAVAILABLE, may_be_on_ledger=True),
    row(answer("UNAVAILABLE", BAD_TLS), F.TLS),
    row(answer("UNAVAILABLE", BAD_NAME), F.TLS),
    row(answer("UNAVAILABLE", PLAIN_TEXT), F.PEER_UNAVAILABLE),
    row(answer("UNKNOWN", LIMIT), F.OVERLOADED),
    row(answer("INTERNAL", "something new"), F.UNRECOGNISED, may_be_on_ledger=True),
    row(answer("UNKNOWN", "something new"), F.UNRECOGNISED, may_be_on_ledger=True),
]  # fmt: skip

_REFUSED_CALL = "chaincode response 500, no"
WRONG_ID = "error validating proposal: incorrectly computed txid 'x' -- expected 'y'"
TOO_SLOW = SIMULATION + "error sending: timeout expired while executing transaction"
TRIED_ALL = "failed to evaluate transaction, see attached details for more info"
EVALUATE = [
    row(answer("FAILED_PRECONDITION", EVAL + UNKNOWN_CREATOR, (P1, UNKNOWN_CREATOR)), F.ACCESS_DENIED),
    row(answer("FAILED_PRECONDITION", EVAL + WRONG_ID, (P1, WRONG_ID)), F.REQUEST_INVALID),
    row(answer("ABORTED", TRIED_ALL, (P1, TOO_SLOW), (P2, TOO_SLOW)), F.TIMEOUT),
    row(answer("UNAVAILABLE", NOT_CONNECTED), F.PEER_UNAVAILABLE),
    row(answer("UNAVAILABLE", BROKEN), F.PEER_UNAVAILABLE),
    row(answer("UNKNOWN", EVAL + _REFUSED_CALL, (P1, _REFUSED_CALL)), F.CHAINCODE_REFUSED, refused=True),
    row(answer("FAILED_PRECONDITION", "no peers available to evaluate chaincode nope in channel gxchannel"), F.UNKNOWN_CHAINCODE),
    row(answer("UNAVAILABLE", NO_CONFIG), F.UNKNOWN_CHANNEL),
    row(answer("FAILED_PRECONDITION", EVAL + DENIED, (P1, DENIED)), F.ACCESS_DENIED),
    row(answer("FAILED_PRECONDITION", EVAL + DUPLICATE, (P1, DUPLICATE)), F.DUPLICATE_TRANSACTION),
    row(answer("INVALID_ARGUMENT", "failed to unpack transaction proposal: a signed proposal is required"), F.REQUEST_INVALID),
    row(answer("ABORTED", TRIED_ALL, (P1, NO_LAUNCH), (P2, NO_LAUNCH)), F.CHAINCODE_UNAVAILABLE),
    row(answer("UNKNOWN", LIMIT), F.OVERLOADED),
    row(answer("DEADLINE_EXCEEDED", "Deadline Exceeded"), F.TIMEOUT),
]  # fmt: skip


def asked(text: str) -> Failure:
    said = f"chaincode response 500, {text}"
    return answer("UNKNOWN", EVAL + said, (P1, said))


LOOK_UP = [
    row(asked("Invalid chain ID, nochan"), F.UNKNOWN_CHANNEL),
    row(asked("access denied for [GetTransactionByID][gxchannel]: [policy]"), F.ACCESS_DENIED),
    row(asked("access denied for [Nope][gxchannel]: [Unmapped policy for qscc/Nope]"), F.ACCESS_DENIED),
    row(asked("missing 3rd argument for GetTransactionByID"), F.UNRECOGNISED),
    row(answer("FAILED_PRECONDITION", EVAL + UNKNOWN_CREATOR, (P1, UNKNOWN_CREATOR)), F.ACCESS_DENIED),
    row(answer("UNAVAILABLE", NO_CONFIG), F.UNKNOWN_CHANNEL),
    row(answer("UNAVAILABLE", NOT_CONNECTED), F.PEER_UNAVAILABLE),
    row(answer("UNKNOWN", LIMIT), F.OVERLOADED),
    row(answer("DEADLINE_EXCEEDED", "Deadline Exceeded"), F.TIMEOUT),
    row(answer("UNKNOWN", "something new"), F.UNRECOGNISED),
]
COMMIT_STATUS = [
    row(answer("UNAVAILABLE", NOT_CONNECTED), F.PEER_UNAVAILABLE),
    row(answer("CANCELLED", "Locally cancelled by application!"), F.CANCELLED),
    row(answer("PERMISSION_DENIED", "Failed to get policy manager for channel [nochan]"), F.UNKNOWN_CHANNEL),
    row(answer("PERMISSION_DENIED", READERS), F.ACCESS_DENIED),
    row(answer("INVALID_ARGUMENT", "a commit status request is required"), F.REQUEST_INVALID),
    row(answer("UNAVAILABLE", BROKEN), F.PEER_UNAVAILABLE),
    row(answer("DEADLINE_EXCEEDED", "Deadline Exceeded"), F.TIMEOUT),
    row(answer("UNKNOWN", LIMIT), F.OVERLOADED),
]
