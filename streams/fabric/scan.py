"""Reading a stretch of the chain from end to end: which transactions are VALID, who signed one, and when.

Filtered blocks (peer: core/peer/deliverevents.go) name id and code of every transaction and are small; who signed is
only in whole blocks. Nothing in a block says when it was made: the time is the one that the signer put into the
transaction's header.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2
from google.protobuf.message import DecodeError

from streams.errors import EndorseFailed
from streams.fabric.codes import FailureCode
from streams.fabric.failures import failure_of
from streams.fabric.gateway import Gateway, utc_now
from streams.fabric.previous import certificates
from streams.fabric.proposals import seek_envelope
from streams.fabric.translation import Step, endorse_error
from streams.fabric.wallet import serialized_identity
from streams.ledger import VALID

ENDED: Any = grpc.aio.EOF  # type: ignore[attr-defined]
"""What a stream reads when it is over; missing in the library's types."""

SILENCE_S = 30.0
"""How long a peer may take for the next block that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A transaction of a block; `sent_at` is the signer's clock."""

    transaction_id: str
    creator: bytes
    sent_at: datetime


async def valid_transactions(
    gateway: Gateway, channel: str, first: int, end: int
) -> AsyncIterator[tuple[int, list[str]]]:
    """(block number, ids of its VALID transactions) of every block from `first` to before `end`, in order.

    Raises EndorseFailed when the peer does not show a block that it has.
    """
    call = gateway.gateways.current.deliver_filtered()
    try:
        await call.write(seek_envelope(gateway.identity, channel, first, utc_now()))
        number = first
        while number < end:
            async with asyncio.timeout(SILENCE_S):
                response = await call.read()
            if response is ENDED or response.WhichOneof("Type") != "filtered_block":
                raise _failed(f"the peer ended the stream of blocks at block {number}")
            block = response.filtered_block
            number = block.number + 1
            yield (
                block.number,
                [
                    entry.txid
                    for entry in block.filtered_transactions
                    if entry.txid and entry.tx_validation_code == transaction_pb2.VALID
                ],
            )
    except TimeoutError as error:
        raise _failed(f"the peer showed no block for {SILENCE_S:.0f} s") from error
    except grpc.aio.AioRpcError as error:
        raise endorse_error(failure_of(error), "", Step.EVALUATE) from error
    finally:
        call.cancel()


async def signed_in(gateway: Gateway, number: int) -> list[Signed]:
    """The VALID transactions of a block with their signers. Raises EndorseFailed."""
    block = await gateway.block(number)
    found = [_signed(entry.transaction_id, entry.payload) for entry in block if entry.code == VALID]
    return [signed for signed in found if signed is not None]


async def first_block_since(gateway: Gateway, at: datetime, height: int) -> int:
    """The first block whose newest transaction was sent at this time or later; `height` if there is none.

    Takes the blocks to be in the order of their newest transactions, which holds but for envelopes that were
    submitted long after they were signed. Raises EndorseFailed.
    """
    low, high = 0, height
    while low < high:
        middle = (low + high) // 2
        read = [_signed(entry.transaction_id, entry.payload) for entry in await gateway.block(middle)]
        sent = [signed.sent_at for signed in read if signed is not None]
        if not sent or max(sent) >= at:
            high = middle
        else:
            low = middle + 1
    return low


def creators(wallet: Path, identity: str, msp_id: str) -> tuple[bytes, ...]:
    """Under whose certificates `identity` signs or has signed, as far as the wallet knows; opens no key.

    Raises CredentialsInvalid.
    """
    return tuple(serialized_identity(msp_id, certificate) for certificate in certificates(wallet, identity, msp_id))


def _signed(transaction_id: str, payload: bytes) -> Signed | None:
    try:
        header = common_pb2.Payload.FromString(payload).header
        sent = common_pb2.ChannelHeader.FromString(header.channel_header).timestamp
        creator: bytes = common_pb2.SignatureHeader.FromString(header.signature_header).creator
        sent_at = datetime.fromtimestamp(sent.seconds + sent.nanos / 1e9, UTC)
    except (DecodeError, OverflowError, ValueError, OSError):
        return None
    return Signed(transaction_id=transaction_id, creator=creator, sent_at=sent_at)


def _failed(message: str) -> EndorseFailed:
    return EndorseFailed(message, code=FailureCode.PEER_UNAVAILABLE, transaction_id="", refused=False)
