"""Items that share a key run one after the other in the order of put, all others side by side."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest

from streams.lanes import Abandoned, Lanes
from tests.unit.lane_work import Work, everyone_had_a_turn, lanes_of, put_all

LONG_S = 60.0
"""A deadline that is reached only when lanes are broken."""


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


async def test_an_item_of_two_keys_waits_for_both_and_holds_up_both() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "b1", "ab2", "a3", "b3", "c1")
    assert work.started == ["a1", "b1", "c1"]
    await work.finish("a1")
    assert work.started == ["a1", "b1", "c1"]
    await work.finish("b1")
    assert work.started == ["a1", "b1", "c1", "ab2"]
    await work.finish("ab2")
    assert work.started[4:] == ["a3", "b3"]
    await work.finish("a3", "b3", "c1")
    assert (lanes.keys, lanes.items) == (0, 0)


async def test_a_ring_of_items_that_share_keys_in_every_order_does_not_lock_up() -> None:
    work = Work()
    lanes = lanes_of(work)
    ring = ["ab1", "bc2", "cd3", "da4", "ba5", "ac6", "dcba7"]
    await put_all(lanes, *ring)
    await work.finish(*ring)
    assert sorted(work.finished) == sorted(ring)
    assert (lanes.keys, lanes.items) == (0, 0)


async def test_a_key_named_twice_counts_once_and_an_item_without_a_key_runs_at_once() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "aa1", "aba2", "3")
    assert (work.started, lanes.keys, lanes.items) == (["aa1", "3"], 2, 3)
    await work.finish("aa1", "3", "aba2")
    assert work.finished == ["aa1", "3", "aba2"]


async def test_a_hundred_thousand_keys_leave_nothing_behind() -> None:
    most = 0

    async def work(item: int) -> None:
        nonlocal most
        most = max(most, lanes.keys)

    async def on_bug(error: BaseException) -> None:
        raise error

    async def carry(numbers: range) -> None:
        for number in numbers:  # ten items after each other share their second key
            lanes.put([f"key {number}", f"touched {number // 10}"], number)
            if number % 500 == 499:
                await everyone_had_a_turn()
                assert lanes.items == 0

    lanes: Lanes[int] = Lanes(work, on_bug=on_bug)
    await carry(range(10_000))
    gc.collect()
    objects = len(gc.get_objects())
    await carry(range(10_000, 110_000))
    gc.collect()
    assert (lanes.keys, lanes.items) == (0, 0)
    assert 0 < most <= 550
    assert len(gc.get_objects()) - objects < 100


async def test_an_exception_reaches_on_bug_and_closes_its_keys_so_that_nothing_overtakes() -> None:
    work, bugs = Work(), list[BaseException]()
    lanes = lanes_of(work, bugs)
    await put_all(lanes, "ac1", "a2", "a3", "b1", "b2", "c2")
    error = ValueError("unforeseen")
    await work.fail("ac1", error)
    await work.finish("b1", "b2")
    assert bugs == [error]
    assert work.started == ["ac1", "b1", "b2"]
    assert work.finished == ["b1", "b2"]
    await put_all(lanes, "a4", "cd3")
    assert work.started == ["ac1", "b1", "b2"]
    assert await lanes.drain(0) == 0
    await put_all(lanes, "a5", "c5")
    assert work.started[3:] == ["a5", "c5"]
    await lanes.drain(0)


async def test_what_was_abandoned_closes_its_keys_in_silence() -> None:
    work, bugs = Work(), list[BaseException]()
    lanes = lanes_of(work, bugs)
    await put_all(lanes, "a1", "a2", "b1")
    await work.fail("a1", Abandoned())
    assert (work.started, bugs, lanes.keys) == (["a1", "b1"], [], 2)
    await work.finish("b1")
    await lanes.drain(0)
    assert (lanes.keys, lanes.items) == (0, 0)


def test_abandoned_passes_through_code_that_catches_every_exception() -> None:
    assert not issubclass(Abandoned, Exception)


async def test_what_is_cancelled_inside_the_work_is_a_bug() -> None:
    bugs = list[BaseException]()

    async def work(_: str) -> None:
        raise asyncio.CancelledError

    await put_all(lanes_of(work, bugs), "a1")
    assert [type(bug) for bug in bugs] == [asyncio.CancelledError]


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


async def test_nothing_starts_during_a_drain_and_what_is_put_then_is_dropped() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2")
    drain = asyncio.create_task(lanes.drain(LONG_S))
    lanes.put("b", "b1")  # it was to start, but the drain has its turn before it
    await everyone_had_a_turn()
    await put_all(lanes, "c1")
    await work.finish("a1")
    assert await drain == 0
    await everyone_had_a_turn()
    assert work.started == ["a1"]
    assert (lanes.keys, lanes.items) == (0, 0)


async def test_drain_cancels_what_is_late_and_says_how_many() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2", "b1", "c1")
    await work.finish("b1")
    assert await lanes.drain(0) == 2
    assert work.started == ["a1", "b1", "c1"]
    assert work.finished == ["b1"]
    assert (lanes.keys, lanes.items) == (0, 0)


async def test_lanes_take_items_after_a_drain_as_before() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2", "b1", "c1")
    await lanes.drain(0)
    await put_all(lanes, "a3", "d1", "e1", "e2")
    await work.finish("a3", "d1", "e1", "e2")
    assert work.finished == ["a3", "d1", "e1", "e2"]
    assert await lanes.drain(LONG_S) == 0


async def test_a_drain_that_is_itself_cancelled_leaves_nothing_running() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "a2")
    drain = asyncio.create_task(lanes.drain(LONG_S))
    await everyone_had_a_turn()
    drain.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drain
    assert (lanes.keys, lanes.items) == (0, 0)
    await put_all(lanes, "a3")
    assert (work.started, work.finished) == (["a1", "a3"], [])
    await lanes.drain(0)


async def test_a_drain_that_is_cancelled_waits_for_work_that_takes_its_time_to_end() -> None:
    may_end, bugs, done = asyncio.Event(), list[BaseException](), list[str]()

    async def stubborn(item: str) -> None:
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()
        done.append(item)

    lanes = lanes_of(stubborn, bugs)
    await put_all(lanes, "a1", "a2")
    drain = asyncio.create_task(lanes.drain(0))
    await everyone_had_a_turn()
    drain.cancel()
    await put_all(lanes, "a3")
    assert not drain.done()
    may_end.set()
    await asyncio.gather(drain, return_exceptions=True)
    await everyone_had_a_turn()
    assert (done, bugs, lanes.keys, lanes.items) == (["a1"], [], 0, 0)


async def test_of_two_drains_at_once_the_shorter_deadline_counts_and_both_end() -> None:
    work = Work()
    lanes = lanes_of(work)
    await put_all(lanes, "a1", "b1")
    patient = asyncio.create_task(lanes.drain(LONG_S))
    await everyone_had_a_turn()
    assert await lanes.drain(0) == 2
    assert await patient == 0
    await put_all(lanes, "a2")
    assert work.started == ["a1", "b1", "a2"]
    await lanes.drain(0)
