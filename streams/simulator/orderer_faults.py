"""The way to the orderer, and what can be wrong on it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from fabric_protos.common import common_pb2

from streams.simulator import orderer_refusals
from streams.simulator.config import SimulatorConfig
from streams.simulator.fault_book import ActiveFault, FaultBook
from streams.simulator.faults import LoseTransaction, OrdererDown, OrdererHangs, OrdererLeaderless
from streams.simulator.orderer import Orderer
from streams.simulator.peer_refusals import DEADLINE_EXCEEDED, connection_refused
from streams.simulator.refusals import OrdererRefused, OrdererUnreachable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Hung:
    active: ActiveFault
    envelope: common_pb2.Envelope
    taken: asyncio.Future[None]


class OrdererCalls:
    """Hands envelopes to the orderer, as far as it can be reached."""

    def __init__(self, orderer: Orderer, book: FaultBook, config: SimulatorConfig) -> None:
        self._orderer = orderer
        self._book = book
        self._config = config
        self._hung: list[_Hung] = []
        self._back_at_s = 0.0
        self._leads_at_s = 0.0
        book.on_change.append(self._go_on)

    async def order(self, envelope: common_pb2.Envelope) -> None:
        """Hand an envelope over. Raises OrdererRefused, OrdererUnreachable; after the latter it may be ordered."""
        if time.monotonic() < self._back_at_s or self._book.strike(OrdererDown):
            raise OrdererUnreachable(connection_refused(self._config.orderer_address))
        if hanging := self._book.strike_active(OrdererHangs):
            await self._wait_for(hanging, envelope)
            return
        if time.monotonic() < self._leads_at_s or self._book.strike(OrdererLeaderless):
            raise orderer_refusals.no_leader()
        if self._book.strike(LoseTransaction):
            self._orderer.check(envelope)
        else:
            self._orderer.take(envelope)

    def restart(self, down_s: float, warm_up_s: float) -> None:
        """Kill the orderer: what it has taken and not ordered is lost. It is back later, and leads later still."""
        self._orderer.forget()
        self._back_at_s = time.monotonic() + down_s
        self._leads_at_s = self._back_at_s + warm_up_s

    async def _wait_for(self, hanging: ActiveFault, envelope: common_pb2.Envelope) -> None:
        hung = _Hung(active=hanging, envelope=envelope, taken=asyncio.get_running_loop().create_future())
        self._hung.append(hung)
        try:
            await asyncio.wait_for(asyncio.shield(hung.taken), self._config.broadcast_timeout_s)
        except TimeoutError:
            raise OrdererUnreachable(DEADLINE_EXCEEDED) from None

    def _go_on(self) -> None:
        """Take what was sent while the orderer hung, also for those who have given up."""
        hung, self._hung = self._hung, []
        for each in hung:
            if self._book.holds(each.active):
                self._hung.append(each)
            elif isinstance(each.active.fault, OrdererHangs) and each.active.chance.random() < each.active.fault.orders:
                self._take(each)

    def _take(self, hung: _Hung) -> None:
        try:
            self._orderer.take(hung.envelope)
        except OrdererRefused as refusal:
            hung.taken.set_exception(refusal)
            # Somebody may still wait for it; if nobody does, it was told to nobody.
            log.debug("an envelope was refused after the orderer went on", exc_info=hung.taken.exception())
        else:
            hung.taken.set_result(None)
