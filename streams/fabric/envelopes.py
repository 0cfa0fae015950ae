"""What comes back: endorsed envelopes, committed ones, and blocks.

Envelope.payload -> Payload.data -> Transaction.actions[0].payload -> ChaincodeActionPayload, which holds the
arguments (chaincode_proposal_payload) and the chaincode's answer (action.proposal_response_payload).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.message import DecodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a transaction called, and what the chaincode answered."""

    arguments: tuple[str, ...]
    result: bytes


NO_CONTENT = Content(arguments=(), result=b"")
"""Of an envelope that is not a whole endorser transaction: anybody may order junk under any id."""


def content(payload: bytes) -> Content:
    """The content of an envelope's payload; NO_CONTENT if it is not a whole endorser transaction."""
    try:
        data = common_pb2.Payload.FromString(payload).data
        actions = transaction_pb2.Transaction.FromString(data).actions
        if not actions:
            return NO_CONTENT
        action = transaction_pb2.ChaincodeActionPayload.FromString(actions[0].payload)
        return Content(arguments=_arguments(action), result=_result(action))
    except DecodeError:
        return NO_CONTENT


def endorsed_payload(response: bytes) -> bytes:
    """The payload of the envelope in a serialised EndorseResponse. Raises DecodeError."""
    payload: bytes = gateway_pb2.EndorseResponse.FromString(response).prepared_transaction.payload
    return payload


def validation_code(number: int) -> str:
    """The name of a TxValidationCode, for instance `VALID`."""
    if number not in transaction_pb2.TxValidationCode.values():
        return f"CODE_{number}"
    name: str = transaction_pb2.TxValidationCode.Name(number)
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEntry:
    """One transaction of a block, valid or not, under the id that its header claims."""

    transaction_id: str
    code: str
    payload: bytes


def entries(block: bytes) -> tuple[int, list[BlockEntry]]:
    """The number of a serialised `common.Block`, and its transactions in order.

    Raises DecodeError, IndexError or ValueError if it is not a whole block.
    """
    parsed = common_pb2.Block.FromString(block)
    # Metadata 2 (TRANSACTIONS_FILTER) holds one byte per transaction: its validation code.
    codes: bytes = parsed.metadata.metadata[common_pb2.TRANSACTIONS_FILTER]
    return parsed.header.number, list(_entries(parsed.data.data, codes))


def _entries(envelopes: list[bytes], codes: bytes) -> Iterator[BlockEntry]:
    for serialised, code in zip(envelopes, codes, strict=True):
        try:
            payload: bytes = common_pb2.Envelope.FromString(serialised).payload
            header = common_pb2.Payload.FromString(payload).header.channel_header
            transaction_id: str = common_pb2.ChannelHeader.FromString(header).tx_id
        except DecodeError:
            continue  # has no id under which anybody could look for it
        yield BlockEntry(transaction_id=transaction_id, code=validation_code(code), payload=payload)


def _arguments(action: transaction_pb2.ChaincodeActionPayload) -> tuple[str, ...]:
    called = proposal_pb2.ChaincodeProposalPayload.FromString(action.chaincode_proposal_payload)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(called.input).chaincode_spec
    return tuple(argument.decode("utf-8", "replace") for argument in spec.input.args)


def _result(action: transaction_pb2.ChaincodeActionPayload) -> bytes:
    answered = proposal_response_pb2.ProposalResponsePayload.FromString(action.action.proposal_response_payload)
    result: bytes = proposal_pb2.ChaincodeAction.FromString(answered.extension).response.payload
    return result
