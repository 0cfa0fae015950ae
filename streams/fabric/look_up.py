"""What the ledger holds under a transaction id.

A peer's index gives the *first* entry of an id (common/ledger/blkstorage/blockindex.go), but an id can have several,
and one block may hold an invalid one before the valid one (core/committer/txvalidator/v20/validator.go,
markTXIdDuplicates). So a code that leaves room for this is settled by the whole block.

A peer may lag behind the chain, or have joined from a snapshot and not know what became of older ids. So what one
gateway does not know is asked of the others.
"""

from __future__ import annotations

import asyncio

import grpc
from fabric_protos.peer import transaction_pb2
from google.protobuf.message import DecodeError

from streams.errors import CommitUnknown
from streams.fabric.codes import FailureCode
from streams.fabric.envelopes import BlockEntry, content, entries, validation_code
from streams.fabric.failures import failure_of
from streams.fabric.gateways import GatewayPeer
from streams.fabric.queries import Queries
from streams.fabric.translation import look_up_error
from streams.ledger import VALID, LedgerEntry
from streams.retry import CONFLICTS, DUPLICATE_TXID

SETTLED_BY_FIRST_ENTRY = CONFLICTS | {VALID}
"""These are given only to an entry that passed every check of form, signature and policy: no other entry can win."""


CANNOT_BE_ASKED = frozenset({FailureCode.PEER_UNAVAILABLE, FailureCode.TIMEOUT, FailureCode.TLS})
"""With these codes a gateway says nothing about the ledger, and may go on doing so for days."""


async def look_up(
    queries: Queries, channel: str, transaction_id: str, *, is_proof_wanted: bool = True
) -> LedgerEntry | None:
    """The entry that counts; None: nothing (yet), as every gateway says that can be asked.

    Without `is_proof_wanted` the word of the gateway in use is enough. Raises CommitUnknown if none can be asked, or
    one knows no more than that the id is taken.
    """
    first, *others = queries.peers
    answers = [await _answer(queries, channel, transaction_id, first)]
    is_open = isinstance(answers[0], CommitUnknown) or (answers[0] is None and is_proof_wanted)
    if is_open:
        answers += await asyncio.gather(*(_answer(queries, channel, transaction_id, peer) for peer in others))
    for answer in answers:
        if isinstance(answer, LedgerEntry):
            return answer
    unknown = [answer for answer in answers if isinstance(answer, CommitUnknown)]
    told = [one for one in unknown if one.code not in CANNOT_BE_ASKED]
    if told or len(unknown) == len(answers):
        raise (told or unknown)[0]
    return None


async def _answer(
    queries: Queries, channel: str, transaction_id: str, peer: GatewayPeer
) -> LedgerEntry | CommitUnknown | None:
    try:
        return await _look_up_at(queries, channel, transaction_id, peer)
    except CommitUnknown as unknown:
        return unknown


async def _look_up_at(queries: Queries, channel: str, transaction_id: str, peer: GatewayPeer) -> LedgerEntry | None:
    """The entry that counts as this gateway knows it; None: nothing (yet). Raises CommitUnknown."""
    try:
        processed = transaction_pb2.ProcessedTransaction.FromString(
            await queries.evaluate("qscc", ("GetTransactionByID", channel, transaction_id), peer)
        )
        code = validation_code(processed.validationCode)
        if code in SETTLED_BY_FIRST_ENTRY:
            number = await queries.block_number(transaction_id, peer)
            first = BlockEntry(transaction_id=transaction_id, code=code, payload=processed.transactionEnvelope.payload)
            return _ledger_entry(first, number)
        number, block = entries(await queries.evaluate("qscc", ("GetBlockByTxID", channel, transaction_id), peer))
    except grpc.aio.AioRpcError as error:
        unknown = look_up_error(failure_of(error), transaction_id)
        if unknown is None:
            return None
        raise unknown from error
    except (DecodeError, IndexError, ValueError) as error:
        raise _unknown(f"the gateway's answer cannot be read: {error}", transaction_id) from error
    return _ledger_entry(_deciding(transaction_id, block), number)


def _deciding(transaction_id: str, block: list[BlockEntry]) -> BlockEntry:
    """Of the entries of one id in one block: the valid one, or else the first that is not a mere repetition."""
    own = [entry for entry in block if entry.transaction_id == transaction_id]
    for entry in own:
        if entry.code == VALID:
            return entry
    for entry in own:
        if entry.code != DUPLICATE_TXID:
            return entry
    # A peer that joined from a snapshot knows older ids, but not what became of them.
    raise _unknown("this peer knows only a repetition of the transaction", transaction_id)


def _ledger_entry(entry: BlockEntry, number: int) -> LedgerEntry:
    held = content(entry.payload)
    return LedgerEntry(
        transaction_id=entry.transaction_id,
        code=entry.code,
        block_number=number,
        arguments=held.arguments,
        result=held.result,
    )


def _unknown(message: str, transaction_id: str) -> CommitUnknown:
    return CommitUnknown(message, code=FailureCode.UNRECOGNISED, transaction_id=transaction_id)
