"""The table: a gateway's failure at one step -> an error of `streams.errors`.

The first row that fits counts. What a chaincode says stands first and is matched from its beginning, because it may
quote anything. A configuration fault (access, TLS, an unknown chaincode) is not `REFUSED`: it says nothing
about the command, so no command is failed for it. What the table does not know is taken with the greatest caution.

Sources: internal/pkg/gateway/{endorse,submit,evaluate,commitstatus,apiutils,registry}.go, core/endorser/endorser.go,
core/chaincode/, orderer/common/msgprocessor/, and answers measured on a v2.5.16 network.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, StrEnum

from grpc import StatusCode

from streams.errors import AlreadyApplied, CommitUnknown, DuplicateTransaction, EndorseFailed, LedgerError, SubmitFailed
from streams.fabric.codes import FailureCode as F
from streams.fabric.failures import Failure


class Step(StrEnum):
    """Which call failed."""

    ENDORSE = "endorse"
    SUBMIT = "submit"
    EVALUATE = "evaluate"
    LOOK_UP = "look up"


class Effect(Enum):
    """What a failed call means for the command."""

    REFUSED = "the same request will be refused again"
    NOT_TAKEN = "nothing was ordered by this call"
    PERHAPS = "it may have been ordered"
    DUPLICATE = "the id is on the ledger already"
    APPLIED = "an earlier transaction carried the command out"
    NOT_FOUND = "the ledger holds nothing under the id"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of answer: at which steps, with which code, with which words, and what it means.

    `every`: each peer's detail must fit, instead of any text of the answer. `go_code`: the code within a detail.
    """

    steps: frozenset[Step]
    pattern: str
    means: F
    effect: Effect
    code: StatusCode | None = None
    go_code: str | None = None
    every: bool = False

    def match(self, failure: Failure) -> re.Match[str] | None:
        """The first fit, or None."""
        if self.code is not None and failure.code is not self.code:
            return None
        if self.go_code is not None:
            texts = [detail.text for detail in failure.details if detail.go_code == self.go_code]
        elif self.every:
            texts = [detail.text for detail in failure.details]
        else:
            texts = [*(detail.text for detail in failure.details), failure.text]
        fits = [re.search(self.pattern, text, re.DOTALL) for text in texts]
        found = [fit for fit in fits if fit is not None]
        return found[0] if found and (not self.every or len(found) == len(fits)) else None


_ENDORSE, _SUBMIT, _LOOK_UP = (frozenset({step}) for step in (Step.ENDORSE, Step.SUBMIT, Step.LOOK_UP))
_RUN = frozenset({Step.ENDORSE, Step.EVALUATE})
_PEER = frozenset(Step) - _SUBMIT
_ANY = frozenset(Step)
_CODE = StatusCode
# Texts of the gRPC library (1.85, and earlier ones for a name that cannot be resolved).
_NEVER_SENT = r"\A(failed to connect to all addresses|errors resolving |DNS resolution failed)"
# The answer when not the gateway's own peer ended the call.
_COLLECTING = "failed to collect enough transaction endorsements"

TABLE: tuple[Row, ...] = (
    # The command's own fate.
    Row(
        _RUN,
        r"\Achaincode response \d+, command (?P<command_id>.+) already applied by transaction"
        r" (?P<applied_by>[0-9a-f]{64})\Z",
        F.ALREADY_APPLIED,
        Effect.APPLIED,
    ),
    Row(_LOOK_UP, r"\Achaincode response 500, .*no such transaction ID \[", F.NOT_FOUND, Effect.NOT_FOUND),
    Row(_LOOK_UP, r"\Achaincode response 500, Invalid chain ID", F.UNKNOWN_CHANNEL, Effect.NOT_TAKEN),
    Row(_LOOK_UP, r"\Achaincode response 500, access denied", F.ACCESS_DENIED, Effect.NOT_TAKEN),
    Row(_LOOK_UP, r"\Achaincode response \d+, ", F.UNRECOGNISED, Effect.NOT_TAKEN),
    Row(_RUN, r"\Achaincode response \d+, (?P<said>.*)\Z", F.CHAINCODE_REFUSED, Effect.REFUSED),
    Row(_ENDORSE, r"\Aduplicate transaction found \[", F.DUPLICATE_TRANSACTION, Effect.DUPLICATE),
    Row(_PEER, r"\Aduplicate transaction found \[", F.DUPLICATE_TRANSACTION, Effect.NOT_TAKEN),
    # Time and load, whoever says it. At Submit a deadline leaves the outcome open.
    Row(_SUBMIT, "", F.TIMEOUT, Effect.PERHAPS, code=_CODE.DEADLINE_EXCEEDED),
    Row(_SUBMIT, "", F.CANCELLED, Effect.PERHAPS, code=_CODE.CANCELLED),
    Row(_PEER, "", F.TIMEOUT, Effect.NOT_TAKEN, code=_CODE.DEADLINE_EXCEEDED),
    Row(_PEER, "", F.CANCELLED, Effect.NOT_TAKEN, code=_CODE.CANCELLED),
    Row(_ANY, r"\Atoo many requests for /", F.OVERLOADED, Effect.NOT_TAKEN, code=_CODE.UNKNOWN),
    Row(_PEER, r"\Atoo many requests for /", F.OVERLOADED, Effect.NOT_TAKEN),
    # Who we are, and whom we talk to.
    Row(_ANY, _NEVER_SENT + r".*(?i:tls handshake|certificate_verify|hostname verification)", F.TLS, Effect.NOT_TAKEN),
    Row(_ANY, _NEVER_SENT, F.PEER_UNAVAILABLE, Effect.NOT_TAKEN, code=_CODE.UNAVAILABLE),
    Row(_ANY, r"client identity expired", F.IDENTITY_EXPIRED, Effect.NOT_TAKEN),
    Row(_PEER, r"\A(error validating proposal: )?access denied: channel \[", F.ACCESS_DENIED, Effect.NOT_TAKEN),
    Row(_PEER, r"\Aerror validating proposal: ", F.REQUEST_INVALID, Effect.NOT_TAKEN),
    Row(_PEER, r"\AFailed to get policy manager for channel", F.UNKNOWN_CHANNEL, Effect.NOT_TAKEN),
    Row(_PEER, "", F.ACCESS_DENIED, Effect.NOT_TAKEN, code=_CODE.PERMISSION_DENIED),
    Row(_ANY, r"\Afailed to get config for channel \[", F.UNKNOWN_CHANNEL, Effect.NOT_TAKEN),
    Row(_ANY, "", F.REQUEST_INVALID, Effect.NOT_TAKEN, code=_CODE.INVALID_ARGUMENT),
    # Peers and chaincode servers.
    Row(_RUN, r"No metadata was found for chaincode", F.UNKNOWN_CHAINCODE, Effect.NOT_TAKEN),
    Row(_PEER, r"\Ano peers available to evaluate chaincode", F.UNKNOWN_CHAINCODE, Effect.NOT_TAKEN),
    Row(_ENDORSE, r"ProposalResponsePayloads do not match", F.ENDORSEMENT_MISMATCH, Effect.NOT_TAKEN),
    Row(_RUN, r"txid: \w+\(.*\) exists\Z", F.BEING_SIMULATED, Effect.NOT_TAKEN),
    Row(_RUN, r"could not launch chaincode", F.CHAINCODE_UNAVAILABLE, Effect.NOT_TAKEN),
    Row(_RUN, r"chaincode stream terminated\Z", F.CHAINCODE_UNAVAILABLE, Effect.NOT_TAKEN),
    Row(_RUN, r"timeout expired while executing transaction", F.TIMEOUT, Effect.NOT_TAKEN),
    Row(_PEER, "", F.TIMEOUT, Effect.NOT_TAKEN, go_code="DeadlineExceeded"),
    Row(_PEER, r"\Astream terminated by RST_STREAM", F.TIMEOUT, Effect.NOT_TAKEN),
    Row(_PEER, "", F.PEER_UNAVAILABLE, Effect.NOT_TAKEN, go_code="Unavailable"),
    Row(_PEER, r"no peer combination can satisfy", F.PEER_UNAVAILABLE, Effect.NOT_TAKEN),
    Row(_PEER, r"due to unavailability of peers", F.PEER_UNAVAILABLE, Effect.NOT_TAKEN),
    Row(_PEER, r"no endorsers found in the gateway's organization", F.PEER_UNAVAILABLE, Effect.NOT_TAKEN),
    Row(_PEER, "", F.PEER_UNAVAILABLE, Effect.NOT_TAKEN, code=_CODE.UNAVAILABLE),
    # The orderer. Its 4xx means: not taken. Only a size can never fit.
    Row(_SUBMIT, r"bytes and exceeds maximum allowed \d+ bytes", F.ENVELOPE_TOO_LARGE, Effect.REFUSED),
    Row(_SUBMIT, r"response from orderer: status=FORBIDDEN", F.ACCESS_DENIED, Effect.NOT_TAKEN, code=_CODE.ABORTED),
    Row(_SUBMIT, r"response from orderer: status=", F.ORDERER_REFUSED, Effect.NOT_TAKEN, code=_CODE.ABORTED),
    Row(_SUBMIT, r"\Ano orderer nodes available\Z", F.ORDERER_UNAVAILABLE, Effect.NOT_TAKEN, code=_CODE.UNAVAILABLE),
    Row(_SUBMIT, "connection refused", F.ORDERER_UNAVAILABLE, Effect.NOT_TAKEN, code=_CODE.UNAVAILABLE, every=True),
    Row(_SUBMIT, r"\Ano orderers could", F.ORDERER_UNAVAILABLE, Effect.PERHAPS, code=_CODE.UNAVAILABLE),
    Row(_SUBMIT, "", F.PEER_UNAVAILABLE, Effect.PERHAPS, code=_CODE.UNAVAILABLE),
    # Everything else.
    Row(_SUBMIT, "", F.UNRECOGNISED, Effect.PERHAPS),
    Row(_PEER, "", F.UNRECOGNISED, Effect.NOT_TAKEN),
)


def find(step: Step, failure: Failure, command_id: str | None = None) -> tuple[Row, re.Match[str]]:
    """The row that counts, and its fit. One that speaks of a command counts only for the command of that id."""
    for row in TABLE:
        if step in row.steps and (fit := row.match(failure)) is not None and _is_ours(fit, command_id):
            return row, fit
    raise AssertionError(f"the table ends with a row for every failure; none fits {failure} at {step}")


def _is_ours(fit: re.Match[str], command_id: str | None) -> bool:
    """A chaincode may quote another command's fate, which says nothing about this one."""
    return fit.groupdict().get("command_id", command_id) == command_id


def endorse_error(
    failure: Failure,
    transaction_id: str,
    step: Step = Step.ENDORSE,
    asked: Collection[str] = (),
    command_id: str | None = None,
) -> LedgerError:
    """EndorseFailed, DuplicateTransaction or AlreadyApplied; the message is the chaincode's own text if it spoke.

    `asked`: the organisations that had to endorse, when the client named them. `command_id`: whose call it was; only
    of that command "already applied" is believed, any other is a refusal like every one of the chaincode.
    """
    row, fit = find(step, failure, command_id)
    match row.effect:
        case Effect.REFUSED if _is_disputed(failure, asked):
            code = F.ENDORSEMENT_MISMATCH
            return EndorseFailed(str(failure), code=code, transaction_id=transaction_id, refused=False)
        case Effect.DUPLICATE:
            message = f"transaction {transaction_id} is on the ledger already"
            return DuplicateTransaction(message, code=row.means, transaction_id=transaction_id)
        case Effect.APPLIED:
            message = fit[0].split(", ", 1)[1]
            return AlreadyApplied(message, transaction_id=transaction_id, applied_by=fit["applied_by"])
        case Effect.REFUSED:
            return EndorseFailed(fit["said"], code=row.means, transaction_id=transaction_id, refused=True)
        case _:
            return EndorseFailed(str(failure), code=row.means, transaction_id=transaction_id, refused=False)


def _is_disputed(failure: Failure, asked: Collection[str]) -> bool:
    """Not every organisation refused: a peer that lags behind the chain judges by an older state, and will catch up.

    Every organisation that the client named is asked at once, and each one that fails leaves a detail; without names
    the others are asked after the gateway's own peer has endorsed (internal/pkg/gateway/endorse.go).
    """
    if not failure.text.startswith(_COLLECTING):
        return False
    refused_by = {detail.msp_id for detail in failure.details if detail.text.startswith("chaincode response ")}
    return not asked or not refused_by.issuperset(asked)


def not_text(error: UnicodeEncodeError, transaction_id: str) -> EndorseFailed:
    """An argument that cannot be sent; the message does not quote it."""
    message = f"an argument is not text: half of a surrogate pair at its character {error.start}"
    return EndorseFailed(message, code=F.ARGUMENT_NOT_TEXT, transaction_id=transaction_id, refused=True)


def submit_error(failure: Failure, transaction_id: str) -> SubmitFailed:
    """SubmitFailed, saying whether the orderer may have taken it."""
    row, _ = find(Step.SUBMIT, failure)
    return SubmitFailed(
        str(failure),
        code=row.means,
        transaction_id=transaction_id,
        may_be_on_ledger=row.effect is Effect.PERHAPS,
        refused=row.effect is Effect.REFUSED,
    )


def look_up_error(failure: Failure, transaction_id: str) -> CommitUnknown | None:
    """None: the ledger holds nothing under the id. Whatever else keeps it from answering is CommitUnknown."""
    row, _ = find(Step.LOOK_UP, failure)
    if row.effect is Effect.NOT_FOUND:
        return None
    return CommitUnknown(str(failure), code=row.means, transaction_id=transaction_id)
