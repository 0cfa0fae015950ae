"""The query system chaincode `qscc`: what it answers about the ledger (core/scc/qscc/query.go)."""

from __future__ import annotations

from collections.abc import Sequence

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2

from streams.simulator import peer_refusals
from streams.simulator.blocks import header_hash
from streams.simulator.ledger import Ledger, LedgerEntry
from streams.simulator.refusals import PeerRefused

NAME = "qscc"

_UINT64_MAX = 2**64 - 1


class LedgerQueries:
    """The functions of qscc over one channel's ledger."""

    def __init__(self, ledger: Ledger, channel: str) -> None:
        self._ledger = ledger
        self._channel = channel
        self._functions = {
            "GetTransactionByID": self._transaction_by_id,
            "GetBlockByTxID": self._block_by_transaction_id,
            "GetBlockByNumber": self._block_by_number,
            "GetBlockByHash": self._block_by_hash,
        }

    def answer(self, arguments: Sequence[bytes]) -> bytes:
        """The serialized answer to [function, channel, argument]. Raises PeerRefused as the chaincode's refusal."""
        if len(arguments) < 2:
            raise _refused(f"Incorrect number of arguments, {len(arguments)}")
        # The hash of a block is no text; it must come back as the bytes that were sent.
        function, channel, *rest = [argument.decode(errors="surrogateescape") for argument in arguments]
        if function != "GetChainInfo" and not rest:
            raise _refused(f"missing 3rd argument for {function}")
        if channel != self._channel:
            raise _refused(f"Invalid chain ID, {channel}")
        if function == "GetChainInfo":
            return self._chain_info()
        if function not in self._functions:
            raise _refused(f"access denied for [{function}][{channel}]: [Unmapped policy for qscc/{function}]")
        return self._functions[function](rest[0])

    def _transaction_by_id(self, transaction_id: str) -> bytes:
        entry = self._entry(transaction_id, "Failed to get transaction with id")
        envelope = self._ledger.block(entry.block).data.data[entry.position]
        processed = transaction_pb2.ProcessedTransaction(
            transactionEnvelope=common_pb2.Envelope.FromString(envelope), validationCode=entry.code
        )
        return bytes(processed.SerializeToString())

    def _block_by_transaction_id(self, transaction_id: str) -> bytes:
        entry = self._entry(transaction_id, "Failed to get block for txID")
        return bytes(self._ledger.block(entry.block).SerializeToString())

    def _block_by_number(self, text: str) -> bytes:
        if not (text.isascii() and text.isdigit()):
            raise _refused(_unparsable(text, "invalid syntax"))
        number = int(text)
        if number > _UINT64_MAX:
            raise _refused(_unparsable(text, "value out of range"))
        if number == _UINT64_MAX:
            # The largest number asks for the newest block (common/ledger/blkstorage/blockfile_mgr.go).
            number = self._ledger.height - 1
        if number >= self._ledger.height:
            raise _refused(f"Failed to get block number {number}, error no such block number [{number}] in index")
        return bytes(self._ledger.block(number).SerializeToString())

    def _block_by_hash(self, text: str) -> bytes:
        sent = text.encode(errors="surrogateescape")
        number = self._ledger.number_of(sent)
        if number is None:
            shown = sent.decode(errors="replace")
            raise _refused(f"Failed to get block hash {shown}, error no such block hash [{sent.hex()}] in index")
        return bytes(self._ledger.block(number).SerializeToString())

    def _chain_info(self) -> bytes:
        newest = self._ledger.block(self._ledger.height - 1)
        information = ledger_pb2.BlockchainInfo(
            height=self._ledger.height,
            currentBlockHash=header_hash(newest.header),
            previousBlockHash=newest.header.previous_hash,
        )
        return bytes(information.SerializeToString())

    def _entry(self, transaction_id: str, complaint: str) -> LedgerEntry:
        entry = self._ledger.first_entry(transaction_id)
        if entry is None:
            raise _refused(f"{complaint} {transaction_id}, error no such transaction ID [{transaction_id}] in index")
        return entry


def _unparsable(text: str, reason: str) -> str:
    return f'Failed to parse block number with error strconv.ParseUint: parsing "{text}": {reason}'


def _refused(message: str) -> PeerRefused:
    return peer_refusals.chaincode_answered(500, message)
