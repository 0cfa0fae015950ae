"""A serialised `common.Block` -> its transactions, valid or not.

fabric-protos: common/common.proto, peer/transaction.proto, peer/proposal.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, transaction_pb2

from streams.chaos.checker.evidence import Transaction

_TRANSACTIONS_FILTER = 2
"""Of the block's metadata: one byte per transaction, its TxValidationCode."""


def transactions(block: bytes, signers: Mapping[bytes, str]) -> Iterator[Transaction]:
    """In order; what is not an endorser transaction, as a configuration, is left out.

    `signers` maps certificates (PEM) to names. Raises google.protobuf.message.DecodeError, ValueError.
    """
    parsed = common_pb2.Block.FromString(block)
    codes = parsed.metadata.metadata[_TRANSACTIONS_FILTER]
    for position, (envelope, code) in enumerate(zip(parsed.data.data, codes, strict=True)):
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        if header.type != common_pb2.ENDORSER_TRANSACTION:
            continue
        creator = common_pb2.SignatureHeader.FromString(payload.header.signature_header).creator
        certificate = identities_pb2.SerializedIdentity.FromString(creator).id_bytes
        yield Transaction(
            transaction_id=header.tx_id,
            code=transaction_pb2.TxValidationCode.Name(code),
            block_number=parsed.header.number,
            position=position,
            identity=signers.get(certificate, ""),
            arguments=_arguments(payload.data),
        )


def _arguments(data: bytes) -> tuple[str, ...]:
    action = transaction_pb2.Transaction.FromString(data).actions[0].payload
    called = transaction_pb2.ChaincodeActionPayload.FromString(action).chaincode_proposal_payload
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(called)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input).chaincode_spec
    return tuple(argument.decode() for argument in spec.input.args)
