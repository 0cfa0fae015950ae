"""How faults of a whole call are felt: late, unanswered, refused for want of a slot, cut off with its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from grpc import StatusCode

from streams.simulator import refusals
from streams.simulator.call_description import describe
from streams.simulator.config import ORDERER_ORGANISATION, SimulatorConfig
from streams.simulator.fault_book import FaultBook
from streams.simulator.faults import DropConnection, GatewayLimit, Late, LoseAnswer, Restart, Rpc, When
from streams.simulator.identities import Membership
from streams.simulator.peer_refusals import DEADLINE_EXCEEDED
from streams.simulator.refusals import Detail, Refused


class CallFaults:
    """Serves calls as the faults in force want it.

    `drop` breaks the connection of a client, named as gRPC names it; `restart` begins a restart and returns. Calls
    know their `client` by a function, since its name is costly and rarely wanted.
    """

    def __init__(
        self,
        book: FaultBook,
        membership: Membership,
        config: SimulatorConfig,
        *,
        drop: Callable[[str], None],
        restart: Callable[[Restart], None],
    ) -> None:
        self._book = book
        self._membership = membership
        self._config = config
        self._drop = drop
        self._restart = restart
        self._late: set[asyncio.Task[Any]] = set()

    async def serve(
        self, rpc: Rpc, request: Any, client: Callable[[], str], answer: Callable[[Any], Awaitable[Any]]
    ) -> Any:
        """The answer to a call. Raises Refused."""
        if not self._book:
            return await answer(request)
        self._book.begin(describe(rpc, request, self._membership))
        if self._book.strike(GatewayLimit):
            raise refusals.too_many_requests(self._config.gateway_limit)
        self._break(rpc, client, When.BEFORE)
        late = self._book.strike(Late, lambda fault: fault.call == rpc)
        if late is None:
            answered = await answer(request)
        else:
            answered = await self._answer_late(late, answer, request)
        await self._lose_answer(rpc, client)
        self._break(rpc, client, When.AFTER)
        return answered

    def open(self, rpc: Rpc, request: Any, client: Callable[[], str]) -> None:
        """A stream of answers begins. Raises Refused."""
        if self._book:
            self._book.begin(describe(rpc, request, self._membership))
            if self._book.strike(GatewayLimit):
                raise refusals.too_many_requests(self._config.gateway_limit)
            self._break(rpc, client, When.BEFORE)

    async def _answer_late(self, late: Late, answer: Callable[[Any], Awaitable[Any]], request: Any) -> Any:
        """The effect comes also when the client has given up; so it is a task of its own."""

        async def later() -> Any:
            if late.when is When.BEFORE:
                await asyncio.sleep(late.delay_s)
            try:
                answered = await answer(request)
            except Refused:
                await asyncio.sleep(late.delay_s if late.when is When.AFTER else 0)
                raise
            if late.when is When.AFTER:
                await asyncio.sleep(late.delay_s)
            return answered

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._end)
        return await asyncio.shield(task)

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            # A refusal that nobody waits for any more is no failure of the network.
            task.exception()

    async def _lose_answer(self, rpc: Rpc, client: Callable[[], str]) -> None:
        lost = self._book.strike(LoseAnswer) if rpc is Rpc.SUBMIT else None
        match lost.answer if lost else None:
            case "silence":
                await asyncio.get_running_loop().create_future()
            case "time-out":
                detail = Detail(
                    address=self._config.orderer_address, msp_id=ORDERER_ORGANISATION, message=DEADLINE_EXCEEDED
                )
                raise refusals.no_orderers([detail])
            case "broken":
                self._break_off(client)

    def _break(self, rpc: Rpc, client: Callable[[], str], when: When) -> None:
        restart = self._book.strike(Restart, lambda fault: fault.when is when and fault.waits_for_a_call)
        if restart:
            self._restart(restart)
        if self._book.strike(DropConnection, lambda fault: fault.when is when and fault.call in (None, rpc)):
            self._break_off(client)

    def _break_off(self, client: Callable[[], str]) -> None:
        self._drop(client())
        # Nobody hears it: the connection is gone.
        raise Refused(StatusCode.UNAVAILABLE, "the connection was dropped on purpose")
