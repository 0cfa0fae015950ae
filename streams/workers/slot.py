"""A command's place in the window, and its rests outside."""

from __future__ import annotations

import asyncio
from types import TracebackType

from streams.lanes import Abandoned, Token
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
    """One command's slot in the window, for as long as the context lasts. Raises Abandoned when the window closes.

    The command's token knows since when it has been at work without a rest.
    """

    def __init__(self, window: Window, tenant: str, rests: Rests, token: Token) -> None:
        self._window, self._tenant, self._rests, self._token = window, tenant, rests, token
        self._is_inside = self._is_ordered = False

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

    def hand_over(self) -> None:
        """The orderer has the command: the slot is another's, and the command waits for its block."""
        if self._is_inside and not self._is_ordered:
            self._is_ordered = True
            self._window.hand_over()

    async def _enter(self) -> None:
        self._token.rests()
        await self._window.enter(self._tenant)
        self._is_inside = True
        self._token.works(asyncio.get_running_loop().time())

    def _leave(self) -> None:
        self._token.rests()
        if self._is_inside:
            is_ordered, self._is_inside, self._is_ordered = self._is_ordered, False, False
            self._window.leave(self._tenant, is_ordered=is_ordered)
