"""A few slow commands beside many: blocks still fill, on virtual time. `make bench-submit` measures it on the clock."""

from __future__ import annotations

import asyncio

from virtual_loop import VirtualLoop

from streams.breaker import Breaker
from streams.retry import Backoff
from streams.settings.workers import WindowSettings
from streams.window import Window

COMMANDS, ONE_IN = 5000, 100
ENDORSE_S, SLOW_S = 0.5, 10.0
BLOCK_S, BLOCK_SIZE = 2.0, 500


class Orderer:
    """A block when there are enough transactions for it, or some time after the first of them."""

    def __init__(self) -> None:
        self.pending: list[asyncio.Future[None]] = []
        self.timer: asyncio.TimerHandle | None = None

    async def order(self) -> None:
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        self.pending.append(waiting)
        if len(self.pending) == 1:
            self.timer = loop.call_later(BLOCK_S, self.cut)
        if len(self.pending) == BLOCK_SIZE:
            self.cut()
        await waiting

    def cut(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        for waiting in self.pending:
            waiting.set_result(None)
        self.pending = []


def others_per_s(most_uncommitted: int, *, has_slow_ones: bool) -> float:
    """Of the commands that are not slow, when all of them lie ready."""
    loop = VirtualLoop()
    breaker = Breaker(
        threshold=3,
        backoff=Backoff(base_s=1.0, cap_s=1.0, jitter=lambda _, most: most),
        clock=loop.time,
        on_change=lambda *_: None,
    )
    window, orderer = Window(WindowSettings().max_in_flight, breaker, most_uncommitted=most_uncommitted), Orderer()
    ended_at: list[float] = []

    async def carry(number: int) -> None:
        is_slow = has_slow_ones and number % ONE_IN == 0
        await window.enter("t")
        await asyncio.sleep(SLOW_S if is_slow else ENDORSE_S)
        window.hand_over()
        await orderer.order()
        window.leave("t", is_ordered=True)
        if not is_slow:
            ended_at.append(loop.time())

    async def carry_all() -> None:
        await asyncio.gather(*map(carry, range(COMMANDS)))

    loop.run(carry_all())
    # Without the last block, which nothing fills in either case.
    counted = sorted(ended_at)[: COMMANDS - COMMANDS // ONE_IN - BLOCK_SIZE]
    return len(counted) / counted[-1]


def test_slow_commands_cost_the_others_no_more_than_the_slots_that_they_hold() -> None:
    plain, beside = (others_per_s(WindowSettings().max_uncommitted, has_slow_ones=slow) for slow in (False, True))
    share_of_the_slots = COMMANDS / ONE_IN / WindowSettings().max_in_flight
    assert 1 - beside / plain <= share_of_the_slots + 0.01, f"{beside:.0f} beside slow ones, {plain:.0f} without"


def test_without_room_for_those_that_wait_for_their_block_slow_commands_keep_blocks_from_filling() -> None:
    plain, beside = (others_per_s(BLOCK_SIZE, has_slow_ones=slow) for slow in (False, True))
    assert beside < plain / 2, f"{beside:.0f} beside slow ones, {plain:.0f} without"
