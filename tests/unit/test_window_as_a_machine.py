"""The window beside a plain model of whose turn it is, under every mixture of arrivals, failures, time and drains."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.breaker import BreakerState, Step
from tests.unit.hand_clock import HandClock
from tests.unit.window_commands import Commands

R = TypeVar("R")
WEIGHTS = {"heavy": 3.0, "light": 0.5}
TENANTS = st.sampled_from(["a", "b", "heavy", "light"])
ALL_STEPS: tuple[Step, ...] = ("endorse", "submit", "look up")
STEPS = st.sampled_from(ALL_STEPS)
MOST, MOST_UNCOMMITTED = 4, 6


class CommandsInWindow(RuleBasedStateMachine):
    """The model: lists that are searched anew for every slot. Which commands entered, and in which order, must agree.

    How many entered must be as many as the limit, and the breaker, allow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock(self.loop)
        self.count = 0
        self.waiting: list[str] = []
        self.since: dict[str, int] = {}
        self.turn = 0
        self.inside: list[str] = []
        self.limit = float(MOST)
        self.narrowed_at = float("-inf")
        self.is_closed = False
        self.probes: list[str] = []

    @initialize()
    def make(self) -> None:
        async def make() -> None:
            self.commands = Commands(self.clock, MOST, WEIGHTS, MOST_UNCOMMITTED)

        self.loop.run_until_complete(make())

    def do(self, step: Coroutine[Any, Any, R]) -> R:
        """Let the real ones do it, then the model admit one by one those who have entered."""
        known, changes, before = len(self.commands.entered), len(self.commands.changes), self.commands.breaker.state

        async def step_and_what_follows() -> R:
            result = await step
            await self.clock.advance(0)
            return result

        result = self.loop.run_until_complete(step_and_what_follows())
        entered = self.commands.entered[known:]
        for name in entered:
            assert name == self.next_of_model()
            self.admit(name)
        after, new_changes = self.commands.breaker.state, self.commands.changes[changes:]
        if BreakerState.CLOSED not in (before, after, *new_changes):
            assert len(entered) <= 1
        if after is BreakerState.PROBING:
            self.probes = entered if BreakerState.PROBING in new_changes else self.probes + entered
        return result

    def next_of_model(self) -> str:
        """The waiting tenant with the least in use by weight, then the one served longest ago; its first command."""
        loads: dict[str, tuple[float, int, str]] = {}
        for name in reversed(self.waiting):
            tenant = name.split(maxsplit=1)[0]
            in_use = sum(other.startswith(tenant + " ") for other in self.inside)
            loads[tenant] = (in_use / WEIGHTS.get(tenant, 1.0), self.since[tenant], name)
        return min(loads.values())[-1]

    @property
    def has_room(self) -> bool:
        return len(self.in_flight) < int(self.limit) and len(self.inside) < MOST_UNCOMMITTED

    @property
    def in_flight(self) -> list[str]:
        return [name for name in self.inside if name not in self.commands.ordered]

    def admit(self, name: str) -> None:
        assert self.has_room
        self.waiting.remove(name)
        self.inside.append(name)
        self.stamp(name)

    def stamp(self, name: str) -> None:
        self.turn += 1
        self.since[name.split(maxsplit=1)[0]] = self.turn

    @rule(tenant=TENANTS, many=st.integers(1, 4))
    def come(self, tenant: str, many: int) -> None:
        for _ in range(many):
            self.count += 1
            name = f"{tenant} {self.count}"
            if not self.is_closed:
                if not any(other.startswith(tenant + " ") for other in self.waiting):
                    self.stamp(name)
                self.waiting.append(name)
            self.do(self.commands.come(name))

    @precondition(lambda self: self.inside)
    @rule(data=st.data(), is_crash=st.booleans())
    def leave(self, data: st.DataObject, is_crash: bool) -> None:
        name = data.draw(st.sampled_from(self.inside))
        self.inside.remove(name)
        self.do(self.commands.cancel(name) if is_crash else self.commands.leave(name))

    @precondition(lambda self: self.inside and self.in_flight)
    @rule(data=st.data())
    def hand_over(self, data: st.DataObject) -> None:
        self.do(self.commands.hand_over(data.draw(st.sampled_from(self.in_flight))))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up_waiting(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(name)
        self.do(self.commands.cancel(name))

    @precondition(lambda self: self.inside)
    @rule(step=STEPS, many=st.integers(1, 3))
    def ill(self, step: Step, many: int) -> None:
        async def fail() -> None:
            for _ in range(many):
                self.commands.breaker.ill(step, "down")

        self.do(fail())

    @precondition(lambda self: self.inside)
    @rule(step=STEPS)
    def well(self, step: Step) -> None:
        async def answer() -> None:
            self.commands.breaker.well(step)

        self.do(answer())

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.clock.advance(seconds))

    @rule()
    def overload(self) -> None:
        async def narrow() -> None:
            self.commands.window.narrow()

        if self.clock.now_s >= self.narrowed_at + 1.0:
            self.narrowed_at, self.limit = self.clock.now_s, max(1.0, self.limit / 2)
        self.do(narrow())

    @rule(many=st.integers(1, 5))
    def succeed(self, many: int) -> None:
        for _ in range(many):
            self.limit = min(float(MOST), self.limit + 1 / self.limit)
            self.do(self.widen())

    async def widen(self) -> None:
        self.commands.window.widen()

    @rule(opens_again=st.booleans())
    def drain(self, opens_again: bool) -> None:
        self.is_closed = not opens_again

        async def close() -> None:
            self.commands.window.close()
            if opens_again:
                self.commands.window.reopen()

        abandoned, self.waiting = set(self.waiting), []
        self.do(close())
        assert abandoned <= set(self.commands.abandoned)

    @invariant()
    def the_window_holds_what_the_model_holds(self) -> None:
        window = self.commands.window
        assert sorted(self.commands.in_window) == sorted(self.inside)
        assert (window.in_use, window.waiting) == (len(self.in_flight), len(self.waiting))
        assert window.in_use + window.ordered == len(self.inside)
        assert window.limit == int(self.limit)

    @invariant()
    def nobody_waits_without_a_reason(self) -> None:
        breaker = self.commands.breaker
        probes = [name for name in self.probes if name in self.inside]
        match breaker.state:
            case BreakerState.CLOSED:
                is_shut = False
            case BreakerState.OPEN:
                is_shut = breaker.retry_in_s != 0.0
            case BreakerState.PROBING:
                assert len(probes) <= 1
                is_shut = bool(probes)
        assert not self.waiting or is_shut or not self.has_room

    def teardown(self) -> None:
        """When everything is well again, everybody gets through in bounded time, and nothing is left."""
        if not hasattr(self, "commands"):
            return
        if self.is_closed:
            self.is_closed = False
            self.commands.window.reopen()
        for _ in range(self.count + 20):
            for step in ALL_STEPS if self.inside else ():
                self.well(step)
            for name in list(self.inside):
                self.inside.remove(name)
                self.do(self.commands.leave(name))
            self.time_passes(8.0)
        assert (self.waiting, self.inside, self.commands.window.in_use) == ([], [], 0)
        self.loop.run_until_complete(self.commands.end())
        self.loop.close()


TestCommandsInWindow = CommandsInWindow.TestCase
TestCommandsInWindow.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
