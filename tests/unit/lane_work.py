"""Work on items that goes on until the test ends it, and lanes that do it. An item's keys are its letters."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from streams.lanes import Lanes


class Work:
    """What was started and what was finished, in order."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.finished: list[str] = []
        self._ends: defaultdict[str, asyncio.Future[None]] = defaultdict(
            lambda: asyncio.get_running_loop().create_future()
        )

    async def __call__(self, item: str) -> None:
        self.started.append(item)
        await self._ends[item]
        self.finished.append(item)

    async def finish(self, *items: str) -> None:
        for item in items:
            self._ends[item].set_result(None)
        await everyone_had_a_turn()

    async def fail(self, item: str, error: BaseException) -> None:
        self._ends[item].set_exception(error)
        await everyone_had_a_turn()


async def everyone_had_a_turn() -> None:
    """Every task has run as far as it can: a chain of wake-ups takes one turn of the loop for each link."""
    for _ in range(20):
        await asyncio.sleep(0)


def lanes_of(work: Callable[[str], Awaitable[None]], bugs: list[BaseException] | None = None) -> Lanes[str]:
    """Lanes whose bugs go into a list; without one, a bug fails the test."""

    async def on_bug(error: BaseException) -> None:
        if bugs is None:
            raise error
        bugs.append(error)

    return Lanes(work, on_bug=on_bug)


async def put_all(lanes: Lanes[str], *items: str) -> None:
    for item in items:
        lanes.put([letter for letter in item if letter.isalpha()], item)
    await everyone_had_a_turn()
