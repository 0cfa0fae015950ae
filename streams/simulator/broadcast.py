"""`orderer.AtomicBroadcast/Broadcast`: envelopes in, one answer each (orderer/common/broadcast/broadcast.go)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from streams.simulator.call_description import describe
from streams.simulator.fault_book import FaultBook
from streams.simulator.faults import Rpc
from streams.simulator.identities import Membership
from streams.simulator.orderer_faults import OrdererCalls
from streams.simulator.refusals import OrdererRefused, OrdererUnreachable, Refused


class Broadcast:
    """The service of the orderer."""

    def __init__(self, orderer: OrdererCalls, membership: Membership, book: FaultBook) -> None:
        self._orderer = orderer
        self._membership = membership
        self._book = book

    async def answers(self, envelopes: AsyncIterator[common_pb2.Envelope]) -> AsyncIterator[ab_pb2.BroadcastResponse]:
        """SUCCESS for what is taken; anything else ends the stream. Raises Refused when nobody listens."""
        async for envelope in envelopes:
            self._book.begin(describe(Rpc.BROADCAST, envelope, self._membership) if self._book else None)
            try:
                await self._orderer.order(envelope)
            except OrdererRefused as refusal:
                yield ab_pb2.BroadcastResponse(status=refusal.status, info=refusal.info)
                return
            except OrdererUnreachable as silence:
                raise Refused(grpc.StatusCode.UNAVAILABLE, silence.text) from silence
            yield ab_pb2.BroadcastResponse(status=common_pb2.Status.SUCCESS)
