"""While the breaker is open only probes enter, one at a time, and the window wakes them when they are due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from streams.breaker import BreakerState
from tests.unit.hand_clock import HandClock
from tests.unit.window_commands import Commands

WAITING = [f"a {number}" for number in range(5)]


@pytest_asyncio.fixture
async def commands() -> AsyncIterator[Commands]:
    """Five commands that wait before a window of ten slots, whose breaker has just been opened."""
    commands = Commands(HandClock(asyncio.get_running_loop()), most=10)
    await commands.open_breaker()
    await commands.come(*WAITING)
    yield commands
    await commands.end()


async def test_nobody_enters_while_it_is_open_and_one_probe_when_the_wait_is_over(commands: Commands) -> None:
    await commands.clock.advance(0.75)
    assert commands.entered == []
    await commands.clock.advance(0.25)
    assert commands.entered == ["a 0"]
    await commands.clock.advance(100)
    assert commands.entered == ["a 0"]


async def test_all_enter_when_the_probe_has_its_answer(commands: Commands) -> None:
    await commands.clock.advance(1)
    commands.breaker.well("endorse")
    await commands.clock.advance(0)
    assert commands.entered == WAITING


async def test_after_a_failed_probe_the_next_one_is_another_command_and_comes_later(commands: Commands) -> None:
    await commands.clock.advance(1)
    commands.breaker.ill("endorse", "still down")
    await commands.leave("a 0")
    await commands.clock.advance(1.75)
    assert commands.entered == ["a 0"]
    await commands.clock.advance(0.25)
    assert commands.entered == ["a 0", "a 1"]


async def test_a_probe_that_leaves_without_a_word_is_followed_at_once(commands: Commands) -> None:
    await commands.clock.advance(1)
    await commands.leave("a 0")
    assert commands.entered == ["a 0", "a 1"]
    assert commands.breaker.state is BreakerState.PROBING


async def test_a_probe_that_is_cancelled_is_followed_at_once(commands: Commands) -> None:
    await commands.clock.advance(1)
    await commands.cancel("a 0")
    assert commands.entered == ["a 0", "a 1"]


async def test_who_was_cancelled_and_does_not_know_it_yet_does_not_become_the_probe(commands: Commands) -> None:
    commands.clock.now_s += 1
    commands.tasks["a 0"].cancel()
    commands.window.widen()  # looks who may enter
    await commands.clock.advance(0)
    assert commands.entered == ["a 1"]


async def test_commands_under_way_that_leave_do_not_count_as_the_probe() -> None:
    commands = Commands(HandClock(asyncio.get_running_loop()), most=10)
    await commands.come("b 0", "b 1")
    await commands.open_breaker()
    await commands.come("a 0", "a 1")
    await commands.clock.advance(1)
    await commands.leave("b 0")
    assert commands.entered == ["b 0", "b 1", "a 0"]
    await commands.leave("a 0")
    assert commands.entered == ["b 0", "b 1", "a 0", "a 1"]
    await commands.end()


async def test_when_the_window_is_empty_the_probe_has_left_whoever_left_on_its_behalf(commands: Commands) -> None:
    async def enter_only() -> None:
        await commands.window.enter("b")

    await commands.cancel(*WAITING)
    await commands.clock.advance(1)
    await asyncio.create_task(enter_only())
    await commands.come("a 9")
    assert commands.entered == []
    commands.window.leave("b")
    await commands.clock.advance(0)
    assert commands.entered == ["a 9"]


async def test_who_comes_after_the_wait_is_over_probes_at_once() -> None:
    commands = Commands(HandClock(asyncio.get_running_loop()), most=10)
    await commands.open_breaker()
    await commands.clock.advance(5)
    await commands.come("a 0", "a 1")
    assert commands.entered == ["a 0"]
    await commands.end()


async def test_a_command_that_always_times_out_does_not_keep_the_breaker_open() -> None:
    clock = HandClock(asyncio.get_running_loop())
    commands = Commands(clock, most=10)
    done: list[str] = []

    async def carry(tenant: str) -> None:
        await commands.window.enter(tenant)
        while tenant == "cursed":
            commands.breaker.ill("endorse", "timed out")
            commands.window.leave(tenant)
            await asyncio.sleep(0.1)
            await commands.window.enter(tenant)
        commands.breaker.well("endorse")
        done.append(tenant)
        commands.window.leave(tenant)

    cursed = asyncio.create_task(carry("cursed"))
    for _ in range(400):
        await clock.advance(0.1)
    assert commands.breaker.state is not BreakerState.CLOSED
    others = [asyncio.create_task(carry(f"tenant {number}")) for number in range(20)]
    for _ in range(170):
        await clock.advance(0.1)
    assert len(done) == 20
    await asyncio.gather(*others)
    cursed.cancel()
    await asyncio.gather(cursed, return_exceptions=True)


async def test_ten_thousand_waiting_commands_are_not_polled(commands: Commands) -> None:
    asked = 0
    may_enter = commands.breaker.may_enter

    def counted() -> bool:
        nonlocal asked
        asked += 1
        return may_enter()

    commands.breaker.may_enter = counted  # type: ignore[method-assign]
    await commands.come(*(f"b {number}" for number in range(10_000)))
    assert asked == 10_000
    for _ in range(4):
        await commands.clock.advance(0.25)
    assert asked <= 10_000 + 2
    commands.breaker.well("endorse")
    await commands.clock.advance(0)
    for done in range(2_000):
        commands.ends[commands.entered[done]].set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert asked <= 10_000 + 2_000 + 20


async def test_a_drain_ends_the_waiting_for_a_probe_and_the_breaker_stays_open(commands: Commands) -> None:
    commands.window.close()
    await commands.clock.advance(100)
    assert (commands.entered, sorted(commands.abandoned)) == ([], WAITING)
    assert commands.breaker.state is BreakerState.OPEN
    commands.window.reopen()
    await commands.come("b 0", "b 1")
    assert commands.entered == ["b 0"]
