"""Parts that go away and come back."""

from __future__ import annotations

import asyncio
import logging

from streams.simulator.faults import Restart
from streams.simulator.listener import Listener
from streams.simulator.orderer_faults import OrdererCalls
from streams.simulator.part_faults import PeerFaults

log = logging.getLogger(__name__)


class Restarts:
    """Carries out restarts in the background; one of a part that is away already changes nothing."""

    def __init__(self, gateway: Listener, peers: PeerFaults, orderer: OrdererCalls) -> None:
        self._gateway = gateway
        self._peers = peers
        self._orderer = orderer
        self._restarting: asyncio.Task[None] | None = None

    def begin(self, restart: Restart) -> None:
        """Begin, and return."""
        if restart.part == "orderer":
            self._orderer.restart(restart.down_s, restart.warm_up_s)
        elif self._restarting is None or self._restarting.done():
            self._restarting = asyncio.create_task(self._restart_gateway(restart))

    async def end(self) -> None:
        """Wait for a restart that is under way. Raises StackFailed when the gateway could not come back."""
        if self._restarting is not None:
            await self._restarting

    async def _restart_gateway(self, restart: Restart) -> None:
        await self._gateway.break_off()
        await asyncio.sleep(restart.down_s)
        self._peers.start_warm_up(restart.warm_up_s)
        try:
            await self._gateway.start()
        except Exception:
            log.exception("the gateway does not come back")
            raise
