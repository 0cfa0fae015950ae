"""How many commands are in flight, and who gets the next slot. Knows no Kafka and no ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from streams.breaker import Breaker, BreakerState
from streams.fair_queue import FairQueue
from streams.lanes import Abandoned

ROUND_TRIP_S = 1.0
"""An overloaded gateway refuses in milliseconds all that was sent to it: refusals within this time are one sign."""


class Window:
    """Slots for commands in flight: at most `limit`, none while the breaker holds them back.

    A command is in flight while the gateway is asked for it. Once the orderer has it, its slot is another's: it waits
    for its block beside the window, so that a few slow commands do not keep the blocks from filling. At most
    `most_uncommitted` (default: as many as `most`) are in flight or wait for their block.

    The limit starts at `most`, is halved by a sign of overload and grows back by one for as many successes as it is
    wide (AIMD). A slot goes to the waiting tenant with the least uncommitted for its weight (default 1), within a
    tenant to the command that came first. The breaker's clock must be that of the event loop.
    """

    def __init__(
        self,
        most: int,
        breaker: Breaker,
        *,
        most_uncommitted: int | None = None,
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._most = most
        self._most_uncommitted = most if most_uncommitted is None else most_uncommitted
        self._limit = float(most)
        self._ordered = 0
        self._breaker = breaker
        breaker.wake = self._wake
        self._turns: FairQueue[_Turn] = FairQueue(weights)
        self._probe: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._narrowed_at: float | None = None
        self._is_closed = False

    async def enter(self, tenant: str) -> None:
        """Wait for a slot. Whoever entered leaves, in the same task. Raises Abandoned when the window is closed."""
        if self._is_closed:
            raise Abandoned
        turn = _Turn(tenant)
        self._turns.push(tenant, turn)
        self._serve()
        try:
            await turn.comes
        except asyncio.CancelledError:
            self._turns.discard(tenant, turn)
            if turn.has_slot:  # given before the cancellation came through
                self.leave(tenant)
            raise
        if self._is_closed and turn.has_slot:  # given before the window was closed
            self.leave(tenant)
            raise Abandoned
        if not turn.has_slot:
            raise Abandoned

    def hand_over(self) -> None:
        """The orderer has a command: its slot is free, and it waits for its block until it leaves."""
        self._ordered += 1
        self._serve()

    def leave(self, tenant: str, *, is_ordered: bool = False) -> None:
        """At the end or for a rest: give the slot back, or no longer wait for a block (`is_ordered`)."""
        self._turns.release(tenant)
        self._ordered -= is_ordered
        # When nothing is left the probe has left too, whoever left on its behalf.
        if self._probe is asyncio.current_task() or not self._turns.in_use:
            self._probe = None
            self._breaker.probe_left()
        self._serve()

    def narrow(self) -> None:
        """The gateway is overloaded: halve the limit, at most once per round trip, never below 1."""
        now = asyncio.get_running_loop().time()
        if self._narrowed_at is None or now - self._narrowed_at >= ROUND_TRIP_S:
            self._narrowed_at = now
            self._limit = max(1.0, self._limit / 2)

    def widen(self) -> None:
        """A command succeeded."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)
        self._serve()

    def close(self) -> None:
        """Before a drain: whoever waits, or comes from now on, gets Abandoned."""
        self._is_closed = True
        self._stop_timer()
        for turn in self._turns.clear():
            if not turn.comes.done():
                turn.comes.set_result(None)

    def reopen(self) -> None:
        """After a drain: back to normal."""
        self._is_closed = False

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return int(self._limit)

    @property
    def in_use(self) -> int:
        """How many are in flight."""
        return self._turns.in_use - self._ordered

    @property
    def ordered(self) -> int:
        """How many wait for their block."""
        return self._ordered

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._turns)

    def _serve(self) -> None:
        """Hand out what may be handed out, and come back when the next probe is due."""
        while (turn := self._next()) and self._has_room and self._breaker.may_enter():
            self._turns.pop()
            turn.has_slot = True
            turn.comes.set_result(None)
            if self._breaker.state is BreakerState.PROBING:
                self._probe = turn.task
        retry_in_s = self._breaker.retry_in_s
        if turn and self._has_room and retry_in_s is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(retry_in_s, self._wake)

    @property
    def _has_room(self) -> bool:
        return self.in_use < self.limit and self._turns.in_use < self._most_uncommitted

    def _next(self) -> _Turn | None:
        """Whose turn it is. Who was cancelled and does not know it yet must not become the probe."""
        while (turn := self._turns.first()) and turn.comes.cancelled():
            self._turns.discard(turn.tenant, turn)
        return turn

    def _wake(self) -> None:
        self._stop_timer()
        self._serve()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Turn:
    """A command that waits until it has a slot, or until the window is closed and it has none."""

    __slots__ = ("comes", "has_slot", "task", "tenant")

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.task = asyncio.current_task()
        self.comes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.has_slot = False
