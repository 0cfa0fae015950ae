"""Lanes and InOrder beside plain models of what they promise, under every mixture of steps and drains."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from streams.lanes import Abandoned, InOrder, Lanes, Token
from tests.unit.lane_work import everyone_had_a_turn

R = TypeVar("R")
PATIENT_S = 3600.0
KEYS = st.lists(st.sampled_from("abcd"), max_size=4)


@dataclass(eq=False)
class Item:
    """An item of the model. It holds its keys from `put` until it is finished; closed ones hold them for ever."""

    keys: frozenset[str]
    is_held: bool = True
    is_closed: bool = False
    end: asyncio.Future[None] | None = None  # set while its work goes on


class ItemsInLanes(RuleBasedStateMachine):
    """The model: an item runs if and only if no earlier item that is still held shares a key with it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.held: list[Item] = []
        self.running: list[Item] = []
        self.late: list[Item] = []  # started before the drain that goes on
        self.drain: asyncio.Task[int] | None = None
        self.bugs: list[BaseException] = []
        self.lanes: Lanes[Item] = Lanes(self.work, on_bug=self.on_bug)

    async def work(self, item: Item) -> None:
        assert item.is_held
        item.end = asyncio.get_running_loop().create_future()
        self.running.append(item)
        try:
            await item.end
        finally:
            self.running.remove(item)

    async def on_bug(self, error: BaseException) -> None:
        self.bugs.append(error)

    def run(self, step: Coroutine[Any, Any, R]) -> R:
        async def step_and_what_follows() -> R:
            result = await step
            await everyone_had_a_turn()
            return result

        return self.loop.run_until_complete(step_and_what_follows())

    def may_run(self) -> list[Item]:
        if self.drain is not None:
            return self.late
        taken, first = set[str](), list[Item]()
        for item in self.held:
            if not item.keys & taken and not item.is_closed:
                first.append(item)
            taken |= item.keys
        return first

    @rule(many=st.lists(KEYS, min_size=1, max_size=5))
    def put(self, many: list[list[str]]) -> None:
        async def put_all() -> None:
            for keys in many:
                item = Item(frozenset(keys))
                self.lanes.put(keys, item)
                if self.drain is None:
                    self.held.append(item)

        self.run(put_all())

    def end_one(self, data: st.DataObject, error: BaseException | None) -> Item:
        item = data.draw(st.sampled_from(self.running))
        assert item.end is not None

        async def end() -> None:
            assert item.end is not None
            item.end.set_result(None) if error is None else item.end.set_exception(error)

        if item in self.late:
            self.late.remove(item)
        self.run(end())
        return item

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        item = self.end_one(data, None)
        item.is_held = False
        if item in self.held:
            self.held.remove(item)
        self.settle_drain()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), error=st.sampled_from([ValueError("bug"), Abandoned()]))
    def stop_short(self, data: st.DataObject, error: BaseException) -> None:
        known = len(self.bugs)
        self.end_one(data, error).is_closed = True
        assert self.bugs[known:] == ([error] if isinstance(error, Exception) else [])
        self.settle_drain()

    @precondition(lambda self: self.drain is None)
    @rule()
    def drain_begins(self) -> None:
        self.late = list(self.running)

        async def begin() -> None:
            self.drain = asyncio.create_task(self.lanes.drain(PATIENT_S))

        self.run(begin())
        self.settle_drain()

    def settle_drain(self) -> None:
        if self.drain is not None and not self.late:
            assert self.drain.result() == 0
            self.held.clear()
            self.drain = None

    @rule()
    def drain_is_over(self) -> None:
        """The deadline is there: the crash of everything that runs."""
        running = len(self.running)
        assert self.run(self.lanes.drain(0)) == running
        self.late.clear()
        self.settle_drain()
        self.held.clear()

    @invariant()
    def exactly_what_may_run_runs(self) -> None:
        assert sorted(map(id, self.running)) == sorted(map(id, self.may_run()))

    @invariant()
    def nothing_is_kept_but_what_is_held(self) -> None:
        if self.drain is None:
            assert self.lanes.items == len(self.held)
            assert self.lanes.keys == len(set[str]().union(*(item.keys for item in self.held)))

    def teardown(self) -> None:
        self.drain_is_over()
        assert (self.lanes.keys, self.lanes.items, self.running) == (0, 0, [])
        self.loop.close()


class OffsetsOfPartitions(RuleBasedStateMachine):
    """InOrder against a list per partition. Partitions are given back at any time and taken again later."""

    open_tokens: Bundle[tuple[Token, str, int]] = Bundle("open_tokens")

    def __init__(self) -> None:
        super().__init__()
        self.in_order = InOrder()
        self.generation = 0
        self.finished: dict[str, list[bool]] = {}
        self.acknowledged: dict[str, list[int]] = {}

    @rule(target=open_tokens, partition=st.sampled_from(["p0", "p1", "p2"]))
    def take(self, partition: str) -> tuple[Token, str, int]:
        partition = f"{partition} of generation {self.generation}"
        offset = len(self.finished.setdefault(partition, []))
        self.finished[partition].append(False)
        acknowledged = self.acknowledged.setdefault(partition, [])
        token = self.in_order.take(partition.split()[0], lambda: acknowledged.append(offset))
        return token, partition, offset

    @rule(taken=consumes(open_tokens))
    def finish(self, taken: tuple[Token, str, int]) -> None:
        token, partition, offset = taken
        self.in_order.finish(token)
        if not self.is_given_back(partition):
            self.finished[partition][offset] = True
        assert token.is_stale == self.is_given_back(partition)

    def is_given_back(self, partition: str) -> bool:
        return not partition.endswith(f" {self.generation}")

    @rule()
    def give_back(self) -> None:
        self.in_order.forget()
        self.generation += 1

    @invariant()
    def exactly_the_finished_beginning_is_acknowledged_in_order(self) -> None:
        for partition, finished in self.finished.items():
            beginning = finished.index(False) if False in finished else len(finished)
            assert self.acknowledged[partition] == list(range(beginning))

    @invariant()
    def what_is_held_is_what_was_taken_since_the_partitions_came(self) -> None:
        held = [partition for partition in self.finished if not self.is_given_back(partition)]
        taken = sum(len(self.finished[partition]) - len(self.acknowledged[partition]) for partition in held)
        assert self.in_order.unacknowledged == taken

    @invariant()
    def the_distance_of_a_partition_is_what_a_crash_would_deliver_again(self) -> None:
        for partition in ("p0", "p1", "p2"):
            name = f"{partition} of generation {self.generation}"
            open_ones = len(self.finished.get(name, [])) - len(self.acknowledged.get(name, []))
            assert self.in_order.distance(partition) == open_ones


TestItemsInLanes = ItemsInLanes.TestCase
TestItemsInLanes.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestOffsetsOfPartitions = OffsetsOfPartitions.TestCase
TestOffsetsOfPartitions.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
