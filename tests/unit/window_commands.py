"""Commands that pass through a window, each in a task of its own, and stay there until the test ends them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from streams.breaker import Breaker, BreakerState
from streams.lanes import Abandoned
from streams.retry import Backoff
from streams.window import Window
from tests.unit.hand_clock import HandClock


@dataclass(eq=False)
class Commands:
    """A window with commands; `entered` and `abandoned` are their names, in order. A name starts with its tenant.

    The breaker's threshold is 3, its waits are 1, 2, 4, 8, 8, ... seconds.
    """

    clock: HandClock
    most: int
    weights: dict[str, float] = field(default_factory=dict)
    most_uncommitted: int | None = None
    entered: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)
    in_window: list[str] = field(default_factory=list)
    ordered: set[str] = field(default_factory=set)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    ends: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    changes: list[BreakerState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = Breaker(
            threshold=3,
            backoff=Backoff(base_s=1.0, cap_s=8.0, jitter=lambda _, most: most),
            clock=self.clock.time,
            on_change=lambda state, _: self.changes.append(state),
        )
        self.window = Window(self.most, self.breaker, most_uncommitted=self.most_uncommitted, weights=self.weights)

    async def carry(self, name: str) -> None:
        tenant = name.split(maxsplit=1)[0]
        try:
            await self.window.enter(tenant)
        except Abandoned:
            self.abandoned.append(name)
            return
        self.entered.append(name)
        self.in_window.append(name)
        try:
            await self.ends[name]
        finally:
            self.in_window.remove(name)
            self.window.leave(tenant, is_ordered=name in self.ordered)

    def start(self, *names: str) -> None:
        for name in names:
            self.ends[name] = asyncio.get_running_loop().create_future()
            self.tasks[name] = asyncio.create_task(self.carry(name))

    async def come(self, *names: str) -> None:
        """The commands ask to enter."""
        self.start(*names)
        await self.clock.advance(0)

    async def hand_over(self, *names: str) -> None:
        """The orderer has the commands."""
        for name in names:
            self.ordered.add(name)
            self.window.hand_over()
        await self.clock.advance(0)

    async def leave(self, *names: str) -> None:
        """The commands are done with."""
        for name in names:
            self.ends[name].set_result(None)
        await self.clock.advance(0)

    async def cancel(self, *names: str) -> None:
        for name in names:
            self.tasks[name].cancel()
        await self.clock.advance(0)

    async def open_breaker(self) -> None:
        for _ in range(3):
            self.breaker.ill("endorse", "the gateway is down")
        await self.clock.advance(0)

    async def end(self) -> None:
        """Everything is over."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert (self.window.in_use, self.window.ordered, self.window.waiting) == (0, 0, 0)
