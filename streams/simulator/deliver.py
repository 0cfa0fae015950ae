"""The streams of `protos.Deliver`: blocks, or only what became of their transactions (common/deliver/deliver.go)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2
from google.protobuf.message import DecodeError

from streams.simulator.block_metadata import as_ordered
from streams.simulator.call_description import describe
from streams.simulator.fault_book import FaultBook
from streams.simulator.faults import Rpc
from streams.simulator.identities import READERS, Identity, Membership
from streams.simulator.ledger import Ledger
from streams.simulator.transactions import Claim, Committed, UnreadableEnvelope, read_claim

Seeks = AsyncIterator[common_pb2.Envelope]

TIME_WINDOW_S = 15 * 60
"""How far the clock of a client may be off (peer.authentication.timewindow)."""

Status = common_pb2.Status

_REMEMBERED_BLOCKS = 64


class _SeekRefused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(Status.Name(status))
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seek:
    reader: Identity
    first: int
    last: int
    waits: bool


class Deliver:
    """Answers seeks with blocks, then with the blocks to come."""

    def __init__(
        self, membership: Membership, ledger: Ledger, channel: str, book: FaultBook, now_s: Callable[[], float]
    ) -> None:
        self._membership = membership
        self._ledger = ledger
        self._channel = channel
        self._book = book
        self._now_s = now_s
        self._filtered: dict[int, events_pb2.DeliverResponse] = {}

    def blocks(self, seeks: Seeks) -> AsyncIterator[Any]:
        """`protos.Deliver/Deliver`: whole blocks."""
        return self._answer(seeks, events_pb2.DeliverResponse, self._block)

    def blocks_with_private_data(self, seeks: Seeks) -> AsyncIterator[Any]:
        """`protos.Deliver/DeliverWithPrivateData`: whole blocks; this channel has no private data."""
        return self._answer(seeks, events_pb2.DeliverResponse, self._block_with_private_data)

    def filtered_blocks(self, seeks: Seeks) -> AsyncIterator[Any]:
        """`protos.Deliver/DeliverFiltered`: id, type, code and event name of every entry, valid or not."""
        return self._answer(seeks, events_pb2.DeliverResponse, self._filtered_response)

    def ordered_blocks(self, seeks: Seeks) -> AsyncIterator[Any]:
        """`orderer.AtomicBroadcast/Deliver`: whole blocks as the orderer has them."""
        return self._answer(seeks, ab_pb2.DeliverResponse, self._ordered_block)

    async def _answer(self, seeks: Seeks, status: Any, response: Callable[[int], Any]) -> AsyncIterator[Any]:
        """After a seek that was followed to its stop the stream stays open for another; a refused one ends it."""
        async for envelope in seeks:
            try:
                self._book.begin(describe(Rpc.DELIVER, envelope, self._membership) if self._book else None)
                seek = self._read(envelope)
                number = seek.first
                while number <= seek.last:
                    if not seek.waits and number >= self._ledger.height:
                        raise _SeekRefused(Status.NOT_FOUND)
                    await self._ledger.wait_for(number)
                    if self._membership.has_expired(seek.reader):
                        raise _SeekRefused(Status.FORBIDDEN)
                    yield response(number)
                    number += 1
            except _SeekRefused as refusal:
                yield status(status=refusal.status)
                return
            yield status(status=Status.SUCCESS)

    def _block(self, number: int) -> events_pb2.DeliverResponse:
        return events_pb2.DeliverResponse(block=self._ledger.block(number))

    def _block_with_private_data(self, number: int) -> events_pb2.DeliverResponse:
        whole = events_pb2.BlockAndPrivateData(block=self._ledger.block(number))
        return events_pb2.DeliverResponse(block_and_private_data=whole)

    def _ordered_block(self, number: int) -> ab_pb2.DeliverResponse:
        return ab_pb2.DeliverResponse(block=as_ordered(self._ledger.block(number)))

    def _read(self, envelope: common_pb2.Envelope) -> _Seek:
        claim = self._admitted(envelope)
        try:
            info = ab_pb2.SeekInfo.FromString(claim.data)
        except DecodeError as error:
            raise _SeekRefused(Status.BAD_REQUEST) from error
        if not info.HasField("start") or not info.HasField("stop"):
            raise _SeekRefused(Status.BAD_REQUEST)
        first = self._first(info.start)
        last = self._last(info, first)
        if last < first:
            raise _SeekRefused(Status.BAD_REQUEST)
        return _Seek(
            reader=self._membership.identify(claim.creator),
            first=first,
            last=last,
            waits=info.behavior == ab_pb2.SeekInfo.BLOCK_UNTIL_READY,
        )

    def _admitted(self, envelope: common_pb2.Envelope) -> Claim:
        try:
            claim = read_claim(envelope)
            header = common_pb2.ChannelHeader.FromString(claim.channel_header)
        except UnreadableEnvelope as error:
            raise _SeekRefused(Status.BAD_REQUEST) from error
        sent_at_s = header.timestamp.seconds + header.timestamp.nanos / 1e9
        if not header.HasField("timestamp") or abs(self._now_s() - sent_at_s) > TIME_WINDOW_S:
            raise _SeekRefused(Status.BAD_REQUEST)
        if claim.channel != self._channel:
            raise _SeekRefused(Status.NOT_FOUND)
        if not self._membership.signed_by(claim.creator, claim.signature, claim.payload, READERS, unexpired=True):
            raise _SeekRefused(Status.FORBIDDEN)
        return claim

    def _first(self, start: ab_pb2.SeekPosition) -> int:
        match start.WhichOneof("Type"):
            case "oldest":
                return 0
            case "newest":
                return self._ledger.height - 1
            case "next_commit":
                return self._ledger.height
            case "specified":
                # The next block is waited for, one after it does not exist.
                if start.specified.number > self._ledger.height:
                    raise _SeekRefused(Status.NOT_FOUND)
                return int(start.specified.number)
        raise _SeekRefused(Status.NOT_FOUND)

    def _last(self, info: ab_pb2.SeekInfo, first: int) -> int:
        match info.stop.WhichOneof("Type"):
            case "oldest":
                return first
            case "newest":
                return self._ledger.height - 1
            case "specified":
                return int(info.stop.specified.number)
        raise _SeekRefused(Status.BAD_REQUEST)

    def _filtered_response(self, number: int) -> events_pb2.DeliverResponse:
        """Kept for a while, because every stream on the channel wants the newest block."""
        kept = self._filtered.get(number)
        if kept is None:
            kept = events_pb2.DeliverResponse(filtered_block=self._filter(number))
            if len(self._filtered) >= _REMEMBERED_BLOCKS:
                self._filtered.clear()
            self._filtered[number] = kept
        return kept

    def _filter(self, number: int) -> events_pb2.FilteredBlock:
        filtered = events_pb2.FilteredBlock(channel_id=self._channel, number=number)
        for transaction in self._ledger.transactions(number):
            entry = filtered.filtered_transactions.add(
                txid=transaction.transaction_id, type=transaction.header_type, tx_validation_code=transaction.code
            )
            if transaction.header_type == common_pb2.HeaderType.ENDORSER_TRANSACTION:
                entry.transaction_actions.SetInParent()
                _add_event(entry, transaction)
        return filtered


def _add_event(entry: events_pb2.FilteredTransaction, transaction: Committed) -> None:
    """The event without its payload; nothing when the transaction cannot be read."""
    event = transaction.action.event if transaction.action else None
    if event is not None:
        entry.transaction_actions.chaincode_actions.add(
            chaincode_event=chaincode_event_pb2.ChaincodeEvent(
                chaincode_id=event.chaincode_id, tx_id=event.tx_id, event_name=event.event_name
            )
        )
