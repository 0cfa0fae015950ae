"""One seed, from the first command to the last block: the story, with the promises that were broken."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from datetime import timedelta
from typing import Any

from seeded_scenario import LATEST_S, STORMS_END_S, End, Planned, Scenario
from simulated_kafka import Topic
from simulated_ledger import Chain
from simulated_story import Story
from simulated_worker import LIVING, Life, World
from virtual_loop import VirtualLoop

from streams.operators import LaneControl

LONG_AGO = timedelta(hours=1)
PATIENCE_S = 120.0
"""How long after the last storm everything may take to end."""


def simulate(seed: int, *, ledger_knows_ids: bool = True) -> Story:
    """Run the scenario of a seed to its end. The same seed always tells the same story."""
    loop = VirtualLoop()
    loop.set_task_factory(_owned_task)
    scenario = Scenario(seed)
    planned = {one.command.command_id: one for one in scenario.planned}
    story = Story(loop, planned, scenario.may_park)
    world = World(scenario, loop, Chain(scenario, loop, ledger_knows_ids), Topic(), story)
    loop.run(_Simulation(world).run())
    return story


def _owned_task(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **rest: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **rest)
    life = LIVING.get()
    if life is not None:
        life.tasks.append(task)
    return task


class _Simulation:
    """The world's own course: commands arrive, strangers write, processes end and begin."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.life = Life(world, owned_since=world.now() - LONG_AGO)

    async def run(self) -> None:
        world, loop = self.world, self.world.loop
        self.life.begin()
        arrivals = sorted((at, n) for n, planned in enumerate(world.scenario.planned) for at in planned.routed_at)
        for at, number in arrivals:
            loop.call_at(at, self._arrive, world.scenario.planned[number])
        for at, key in world.scenario.strangers:
            loop.call_at(at, world.chain.write, key)
        for pause in world.scenario.pauses:
            loop.call_at(pause.begins, self._pause, pause.key, True)
            loop.call_at(pause.ends, self._pause, pause.key, False)
        for end in world.scenario.ends:
            await self._end(end)
        await self._until_done(arrivals[-1][0])
        await asyncio.sleep(LATEST_S + 1.0)  # what was submitted and is not in a block yet
        world.story.check_the_end(world.chain)

    def _pause(self, key: str | None, is_paused: bool) -> None:
        control = LaneControl(
            ordering_key=key, is_paused=is_paused, reason="", by="operator", happened_at=self.world.now()
        )
        self.world.controls[control.key] = control
        self.world.story.pause(key, is_paused=is_paused)
        if not self.life.is_dead:
            context = copy_context()
            context.run(LIVING.set, self.life)
            context.run(self.life.pauses.note, control)

    def _arrive(self, planned: Planned) -> None:
        self.world.story.tell("routed", planned, planned.keys, planned.nature)
        self.world.topic.append(planned)
        self.life.take_soon()

    async def _end(self, end: End) -> None:
        await asyncio.sleep(max(0.0, end.at - self.world.loop.time()))
        self.world.story.tell("killed" if end.is_killed else "stopped")
        if end.is_killed:
            self.life.kill()
        else:
            await self.life.stop()
        await asyncio.sleep(end.pause_s)
        self.life = Life(self.world, owned_since=self.world.now())
        self.world.story.tell("begun")
        self.life.begin()

    async def _until_done(self, last_arrival: float) -> None:
        deadline = STORMS_END_S + PATIENCE_S
        while self.world.loop.time() < last_arrival or not self.world.topic.is_done:
            if self.world.loop.time() > deadline:
                self.world.story.broken("everything ends when the ledger is well", str(self.world.topic.committed))
                return
            await asyncio.sleep(1.0)
