"""A command's place in the window, and its rests outside."""

from __future__ import annotations

import asyncio
from types import TracebackType

from streams.lanes import Abandoned
from streams.window import Window


class Rests:
    """Sleeps that a drain ends: the sleeper is given up."""

    def __init__(self) -> None:
        self._is_over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Raises Abandoned at once when nobody may rest any longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_over.wait()
        except TimeoutError:
            return
        raise Abandoned

    def end(self) -> None:
        """Wake every sleeper."""
        self._is_over.set()

    def begin(self) -> None:
        """Rests are possible again."""
        self._is_over.clear()


class Slot:
    """One command's slot in the window, for as long as the context lasts. Raises Abandoned when the window closes."""

    def __init__(self, window: Window, tenant: str, rests: Rests) -> None:
        self._window, self._tenant, self._rests = window, tenant, rests
        self._is_inside = False

    async def __aenter__(self) -> Slot:
        await self._enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def rest(self, seconds: float) -> None:
        """Leave the slot to another command, sleep, and come back when there is room."""
        self._leave()
        await self._rests.sleep(seconds)
        await self._enter()

    async def _enter(self) -> None:
        await self._window.enter(self._tenant)
        self._is_inside = True

    def _leave(self) -> None:
        if self._is_inside:
            self._is_inside = False
            self._window.leave(self._tenant)
