"""Does what the schedule says, when it says it: kills, and faults of the simulator put in force and taken out."""

from __future__ import annotations

import heapq
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams.chaos.schedule import Fault, Kill
from streams.local.supervisor import Supervisor

_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A kill or fault as it was done; not `is_done`: there was nothing to kill, or nobody to take the fault."""

    what: Kill | Fault
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

    def remove(self, number: int) -> None:
        """Take it out of force; a simulator that was started anew does not know it."""
        self._ask("DELETE", f"/faults/{number}")

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
    deeds: list[Deed] = field(default_factory=list)

    def run(self, plan: Sequence[Kill | Fault], stop: threading.Event) -> None:
        """Do everything, or stop when the event is set. Runs beside the thread that restarts what was killed."""
        began_at, ends = time.monotonic(), list[tuple[float, int]]()
        waiting = list(reversed(plan))
        while (waiting or ends) and not stop.is_set():
            now_s = time.monotonic() - began_at
            if ends and ends[0][0] <= now_s:
                self.control.remove(heapq.heappop(ends)[1])
            elif waiting and waiting[-1].at_s <= now_s:
                self._do(waiting.pop(), ends)
            else:
                due_s = min(*(planned.at_s for planned in waiting[-1:]), *(end for end, _ in ends[:1]), now_s + 1.0)
                stop.wait(due_s - now_s)

    def _do(self, planned: Kill | Fault, ends: list[tuple[float, int]]) -> None:
        at = datetime.now(UTC)
        match planned:
            case Kill(component=component, down_s=down_s):
                is_done = self.supervisor.kill(component, back_after_s=down_s)
            case Fault(at_s=at_s, for_s=for_s):
                numbers = self.control.add(planned)
                is_done = bool(numbers)
                for number in numbers:
                    heapq.heappush(ends, (at_s + for_s, number))
        self.deeds.append(Deed(what=planned, at=at, is_done=is_done))
