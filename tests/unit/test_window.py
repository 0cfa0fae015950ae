"""The window hands out as many slots as its limit, fairly between tenants, and keeps none of a command that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from streams.lanes import Abandoned
from tests.unit.hand_clock import HandClock
from tests.unit.window_commands import Commands

MakeWindow = Callable[..., Commands]


@pytest_asyncio.fixture
async def window_of() -> AsyncIterator[MakeWindow]:
    """Makes windows of so many slots; at the end of the test everything has left them."""
    made: list[Commands] = []

    def make(most: int, most_uncommitted: int | None = None, **weights: float) -> Commands:
        made.append(Commands(HandClock(asyncio.get_running_loop()), most, weights, most_uncommitted))
        return made[-1]

    yield make
    for commands in made:
        await commands.end()


def names(tenant: str, many: int) -> list[str]:
    return [f"{tenant} {number}" for number in range(many)]


async def test_as_many_are_in_flight_as_the_window_allows_and_no_more(window_of: MakeWindow) -> None:
    commands = window_of(2)
    await commands.come(*names("a", 5))
    for done in range(5):
        assert commands.entered == names("a", 5)[: done + 2]
        assert commands.window.in_use == min(2, 5 - done)
        assert commands.window.waiting == max(0, 3 - done)
        await commands.leave(f"a {done}")


async def test_a_command_that_the_orderer_has_leaves_its_slot_to_another(window_of: MakeWindow) -> None:
    commands = window_of(2, most_uncommitted=4)
    await commands.come(*names("a", 9))
    await commands.hand_over("a 0")
    assert commands.entered == names("a", 3)
    await commands.hand_over("a 1", "a 2")
    assert commands.entered == names("a", 4), "no more than four are uncommitted"
    assert (commands.window.in_use, commands.window.ordered) == (1, 3)
    await commands.leave("a 0", "a 3")
    assert commands.entered == names("a", 6)
    assert (commands.window.in_use, commands.window.ordered) == (2, 2)


async def test_who_waits_for_a_block_counts_as_its_tenants(window_of: MakeWindow) -> None:
    commands = window_of(1, most_uncommitted=9)
    await commands.come(*names("big", 4))
    await commands.hand_over("big 0", "big 1")
    await commands.come(*names("small", 2))
    await commands.leave("big 2")
    assert commands.entered[-1] == "small 0"


async def test_a_tenant_with_ten_thousand_waiting_does_not_starve_one_with_ten(window_of: MakeWindow) -> None:
    commands = window_of(8)
    big, small = names("big", 10_000), names("small", 10)
    await commands.come(*big)
    await commands.come(*small)
    for done in range(60):
        await commands.leave(commands.entered[done])
    # 8 were in flight before; of the next 20 places every second one, but for the first ones, is the small tenant's.
    assert commands.entered.index(small[-1]) <= 8 + 24
    assert [name for name in commands.entered if name in set(small)] == small


async def test_a_heavier_tenant_holds_more_slots_by_its_weight(window_of: MakeWindow) -> None:
    commands = window_of(8, heavy=3.0)
    await commands.come(*names("light", 100), *names("heavy", 100))
    for done in range(60):
        await commands.leave(commands.entered[done])
    assert sum(name.startswith("heavy") for name in commands.in_window) == 6


async def test_who_is_cancelled_while_waiting_gets_no_slot(window_of: MakeWindow) -> None:
    commands = window_of(1)
    await commands.come(*names("a", 4))
    await commands.cancel("a 1", "a 3")
    assert commands.window.waiting == 1
    await commands.leave("a 0")
    assert commands.entered == ["a 0", "a 2"]


async def test_the_slot_of_a_command_that_is_cancelled_as_it_gets_it_goes_to_the_next(window_of: MakeWindow) -> None:
    commands = window_of(1)
    await commands.come(*names("a", 3))
    commands.ends["a 0"].set_result(None)
    await asyncio.sleep(0)  # it leaves, and the slot is given to the next, which has not had its turn
    assert (commands.entered, commands.window.waiting) == (["a 0"], 1)
    await commands.cancel("a 1")
    assert commands.entered == ["a 0", "a 2"]


async def test_who_waits_or_comes_is_abandoned_when_the_window_closes_and_enters_after_it_opened_again(
    window_of: MakeWindow,
) -> None:
    commands = window_of(1)
    await commands.come(*names("a", 3))
    commands.window.close()
    await commands.come("a 3")
    assert sorted(commands.abandoned) == ["a 1", "a 2", "a 3"]
    assert (commands.window.in_use, commands.window.waiting) == (1, 0)
    commands.window.reopen()
    await commands.come("a 4")
    await commands.leave("a 0")
    assert commands.entered == ["a 0", "a 4"]


async def test_who_got_a_slot_as_the_window_closed_gives_it_back(window_of: MakeWindow) -> None:
    commands = window_of(1)
    await commands.come("a 0", "a 1")
    commands.ends["a 0"].set_result(None)
    await asyncio.sleep(0)
    commands.window.close()
    await commands.clock.advance(0)
    assert (commands.entered, commands.abandoned, commands.window.in_use) == (["a 0"], ["a 1"], 0)


async def test_a_closed_window_abandons_without_waiting(window_of: MakeWindow) -> None:
    window = window_of(1).window
    window.close()
    with pytest.raises(Abandoned):
        await window.enter("a")


async def test_overload_halves_the_window_once_per_round_trip_and_never_below_one(window_of: MakeWindow) -> None:
    commands = window_of(10)
    limits = []
    for _ in range(5):
        commands.window.narrow()
        commands.window.narrow()
        limits.append(commands.window.limit)
        await commands.clock.advance(0.5)
        commands.window.narrow()
        await commands.clock.advance(0.5)
    assert limits == [5, 2, 1, 1, 1]


async def test_a_narrowed_window_lets_nobody_in_until_it_is_below_its_limit(window_of: MakeWindow) -> None:
    commands = window_of(4)
    await commands.come(*names("a", 6))
    commands.window.narrow()
    await commands.leave("a 0", "a 1")
    assert len(commands.entered) == 4
    await commands.leave("a 2")
    assert commands.entered[4:] == ["a 4"]


async def test_a_window_widens_by_one_for_as_many_successes_as_it_is_wide_up_to_its_most(window_of: MakeWindow) -> None:
    commands = window_of(8)
    commands.window.narrow()
    await commands.come(*names("a", 6))
    assert len(commands.entered) == 4
    for _ in range(5):
        commands.window.widen()
    assert commands.window.limit == 5
    await commands.clock.advance(0)
    assert len(commands.entered) == 5
    for _ in range(100):
        commands.window.widen()
    assert commands.window.limit == 8
