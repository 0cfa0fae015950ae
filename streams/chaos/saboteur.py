"""Does what the schedule says, when it says it: kills, and stalls, faults and troubles that begin and end."""

from __future__ import annotations

import heapq
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from streams.chaos.schedule import Fault, Kill, Stall, Step, Trouble
from streams.chaos.troubles.database import TroubledDatabase
from streams.local.supervisor import Supervisor

_TIMEOUT_S = 2.0
_AGAIN_S = 0.5

End: TypeAlias = Callable[[], bool]
"""Ends what was begun; False: not yet possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A step as it was done; not `is_done`: there was nothing to kill or stall, or nobody to take the fault."""

    what: Step
    at: datetime
    is_done: bool


class Control:
    """The control API of the line's simulator; each of its processes has another address, written to `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, fault: Fault) -> list[int]:
        """Put a fault into force; its numbers, none if no simulator answers. Raises ValueError if it is refused."""
        added = [self._ask("POST", "/faults", body) for body in fault.bodies]
        return [int(answer["number"]) for answer in added if answer is not None]

    def remove(self, number: int) -> bool:
        """Take it out of force; a simulator that was started anew does not know it, and one that is dead need not."""
        self._ask("DELETE", f"/faults/{number}")
        return True

    def struck(self) -> dict[int, int]:
        """How many calls each fault in force has struck, by number."""
        return {fault["number"]: fault["struck"] for fault in self._ask("GET", "/faults") or ()}

    def clear(self) -> bool:
        """Take all faults out of force; False if no simulator answers."""
        return self._ask("DELETE", "/faults") is not None

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            url = self._file.read_text().strip() + path
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(  # noqa: S310  (written by the simulator, on the loopback interface)
                url, data=data, method=method, headers={"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise ValueError(f"the simulator refuses {body}: {error.read().decode()}") from error
        except (OSError, ValueError):
            return None  # dead, or dying in the middle of its answer


@dataclass(slots=True)
class Saboteur:
    """`deeds` is what was done, in order."""

    supervisor: Supervisor
    control: Control
    database: TroubledDatabase
    deeds: list[Deed] = field(default_factory=list)
    _ends: list[tuple[float, int, End]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def run(self, plan: Sequence[Step], stop: threading.Event) -> None:
        """Do everything, or stop when the event is set; nothing stands still afterwards.

        Runs beside the thread that restarts what was killed.
        """
        began_at, waiting = time.monotonic(), list(reversed(plan))
        try:
            while (waiting or self._ends) and not stop.is_set():
                now_s = time.monotonic() - began_at
                if self._ends and self._ends[0][0] <= now_s:
                    self._end(now_s)
                elif waiting and waiting[-1].at_s <= now_s:
                    self._do(waiting.pop())
                else:
                    dues = [*(step.at_s for step in waiting[-1:]), *(end[0] for end in self._ends[:1]), now_s + 1.0]
                    stop.wait(min(dues) - now_s)
        finally:
            for _, _, end in self._ends:
                end()

    def _end(self, now_s: float) -> None:
        _, number, end = heapq.heappop(self._ends)
        if not end():
            heapq.heappush(self._ends, (now_s + _AGAIN_S, number, end))

    def _do(self, step: Step) -> None:
        at = datetime.now(UTC)
        match step:
            case Kill(component=component, down_s=down_s):
                is_done = self.supervisor.kill(component, back_after_s=down_s)
            case Stall(component=component):
                is_done = self._until_its_end(step, self.supervisor.stall(component))
            case Trouble(kind=kind):
                is_done = self._until_its_end(step, self.database.begin(kind))
            case Fault():
                is_done = self._until_its_end(step, *(partial(self.control.remove, n) for n in self.control.add(step)))
        self.deeds.append(Deed(what=step, at=at, is_done=is_done))

    def _until_its_end(self, step: Stall | Trouble | Fault, *ends: End | None) -> bool:
        """Remember how it ends; whether it has begun at all."""
        begun = [end for end in ends if end is not None]
        for end in begun:
            heapq.heappush(self._ends, (step.at_s + step.for_s, next(self._numbers), end))
        return bool(begun)
