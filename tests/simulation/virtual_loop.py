"""An event loop in which time passes at once: when nothing is ready, the clock jumps to the next timer."""

from __future__ import annotations

import asyncio
from asyncio import base_events
from typing import Any


class NothingWillHappen(Exception):
    """Every task waits, and no timer is set."""


class VirtualLoop(base_events.BaseEventLoop):
    """No files, no sockets, no threads; `time()` starts at 0. The order of events follows from the program alone."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self  # what BaseEventLoop asks to wait

    def time(self) -> float:
        return self._now

    def select(self, timeout_s: float | None) -> list[Any]:
        """Called with the time to the next timer; 0 when something is ready."""
        if timeout_s is None:
            raise NothingWillHappen
        self._now += timeout_s
        return []

    def _process_events(self, event_list: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...

    def run(self, main: Any) -> Any:
        """`main` to its end; then everything that still runs is cancelled."""
        asyncio.set_event_loop(self)
        try:
            return self.run_until_complete(main)
        finally:
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            asyncio.set_event_loop(None)
            self.close()
