"""Items of one key run one after the other, keys run side by side, and no offset passes an unfinished item."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from streams.lanes import InOrder, Lanes, Token

LONG_S = 60.0
"""A deadline that is reached only when lanes are broken."""


class Work:
    """Work on items that goes on until the test ends it. An item's key is its first letter."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.finished: list[str] = []
        self._ends: defaultdict[str, asyncio.Future[None]] = defaultdict(asyncio.get_running_loop().create_future)

    async def __call__(self, item: str) -> None:
        self.started.append(item)
        await self._ends[item]
        self.finished.append(item)

    async def finish(self, *items: str) -> None:
        for item in items:
            self._ends[item].set_result(None)
        await everyone_had_a_turn()

    async def fail(self, item: str, error: Exception) -> None:
        self._ends[item].set_exception(error)
        await everyone_had_a_turn()


async def everyone_had_a_turn() -> None:
    """Every task has run as far as it can: a chain of wake-ups takes one turn of the loop for each link."""
    for _ in range(50):
        await asyncio.sleep(0)


def lanes_of(
    work: Callable[[str], Awaitable[None]],
    bugs: list[BaseException] | None = None,
    *,
    max_in_flight: int = 10,
    max_taken: int = 40,
) -> Lanes[str]:
    """Lanes whose bugs go into a list; without one, a bug fails the test."""

    async def on_bug(error: BaseException) -> None:
        if bugs is None:
            raise error
        bugs.append(error)

    return Lanes(work, max_in_flight=max_in_flight, max_taken=max_taken, on_bug=on_bug)


async def put_all(lanes: Lanes[str], *items: str) -> None:
    for item in items:
        await lanes.put(item[0], item)
    await everyone_had_a_turn()


async def test_items_of_one_key_run_one_after_the_other_in_the_order_of_put() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2", "a3")
    assert work.started == ["a1"]
    await work.finish("a3", "a2")
    assert work.started == ["a1"]
    await work.finish("a1")
    assert work.finished == ["a1", "a2", "a3"]


async def test_a_key_that_is_stuck_does_not_hold_up_another_key() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2", "b1", "b2")
    await work.finish("b1", "b2")
    assert work.finished == ["b1", "b2"]
    assert work.started == ["a1", "b1", "b2"]
    await lanes.drain(0)


async def test_as_many_are_in_flight_as_the_window_allows_and_no_more() -> None:
    work = Work()
    lanes = lanes_of(work, max_in_flight=2)
    items = [f"{key}1" for key in "abcdef"]
    await put_all(lanes, *items)
    for done, item in enumerate(items):
        assert work.started == items[: done + 2]
        await work.finish(item)
    assert work.finished == items


async def test_put_waits_while_as_much_is_taken_as_may_be() -> None:
    work = Work()
    lanes = lanes_of(work, max_taken=3)
    await put_all(lanes, "a1", "a2", "b1")
    fourth = asyncio.create_task(lanes.put("c", "c1"))
    await everyone_had_a_turn()
    assert not fourth.done()
    await work.finish("b1")
    assert fourth.done()
    assert work.started == ["a1", "b1", "c1"]
    await lanes.drain(0)


async def test_a_lane_is_dropped_with_its_last_command() -> None:
    most = 0

    async def work(_: str) -> None:
        nonlocal most
        most = max(most, lanes.keys)

    lanes = lanes_of(work, max_taken=40)
    for number in range(10_000):
        await lanes.put(f"key {number}", "item")
    assert await lanes.drain(LONG_S) == 0
    assert lanes.keys == 0
    assert 0 < most <= 40


async def test_an_exception_reaches_on_bug_and_closes_its_key_so_that_nothing_overtakes() -> None:
    work, bugs = Work(), list[BaseException]()
    lanes = lanes_of(work, bugs)
    await put_all(lanes, "a1", "a2", "a3", "b1", "b2")
    error = ValueError("unforeseen")
    await work.fail("a1", error)
    await work.finish("b1", "b2")
    assert bugs == [error]
    assert work.started == ["a1", "b1", "b2"]
    assert work.finished == ["b1", "b2"]
    await put_all(lanes, "a4")
    assert work.started == ["a1", "b1", "b2"]


async def test_a_put_that_waited_for_room_does_not_overtake_the_item_that_failed() -> None:
    work, bugs = Work(), list[BaseException]()
    lanes = lanes_of(work, bugs, max_taken=3)
    await put_all(lanes, "a1", "a2", "b1")
    waiting = asyncio.create_task(lanes.put("a", "a3"))
    await work.fail("a1", ValueError("unforeseen"))
    await work.finish("b1")
    await waiting
    assert work.started == ["a1", "b1"]


async def test_what_is_cancelled_inside_the_work_is_a_bug() -> None:
    bugs = list[BaseException]()

    async def work(_: str) -> None:
        raise asyncio.CancelledError

    await put_all(lanes_of(work, bugs), "a1")
    assert [type(bug) for bug in bugs] == [asyncio.CancelledError]


async def test_a_drain_gives_back_the_places_of_a_closed_key() -> None:
    work, bugs = Work(), list[BaseException]()
    lanes = lanes_of(work, bugs, max_in_flight=1, max_taken=3)
    await put_all(lanes, "a1", "a2", "a3")
    await work.fail("a1", ValueError("unforeseen"))
    await lanes.drain(0)
    await asyncio.wait_for(put_all(lanes, "b1", "b2", "b3"), LONG_S)
    await work.finish("b1", "b2", "b3")
    assert work.finished == ["b1", "b2", "b3"]


async def test_drain_drops_what_waits_for_the_window_and_for_room() -> None:
    work = Work()
    lanes = lanes_of(work, max_in_flight=1, max_taken=2)
    await put_all(lanes, "a1", "b1")
    waiting = asyncio.create_task(lanes.put("c", "c1"))
    drain = asyncio.create_task(lanes.drain(LONG_S))
    await everyone_had_a_turn()
    await work.finish("a1")
    await asyncio.gather(drain, waiting)
    await everyone_had_a_turn()
    assert (work.started, lanes.keys) == (["a1"], 0)


async def test_drain_lets_what_runs_finish_and_drops_what_is_queued_behind_it() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2", "a3", "b1")
    drain = asyncio.create_task(lanes.drain(LONG_S))
    await everyone_had_a_turn()
    assert not drain.done()
    await work.finish("a1", "b1")
    assert await drain == 0
    assert work.finished == work.started == ["a1", "b1"]


async def test_drain_cancels_what_is_late_and_says_how_many() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2", "b1", "c1")
    await work.finish("b1")
    assert await lanes.drain(0) == 2
    assert work.started == ["a1", "b1", "c1"]
    assert work.finished == ["b1"]
    assert lanes.keys == 0


async def test_lanes_take_as_much_after_a_drain_as_before() -> None:
    work = Work()
    lanes = lanes_of(work, max_in_flight=2, max_taken=4)
    await put_all(lanes, "a1", "a2", "b1", "c1")
    await lanes.drain(0)
    await asyncio.wait_for(put_all(lanes, "a3", "d1", "e1", "e2"), LONG_S)
    await work.finish("a3", "d1", "e1", "e2")
    assert work.finished == ["a3", "d1", "e1", "e2"]
    assert await lanes.drain(LONG_S) == 0


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


TestOffsetsOfPartitions = OffsetsOfPartitions.TestCase
TestOffsetsOfPartitions.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
