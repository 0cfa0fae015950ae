"""What is begun in a chaos run is ended, in time or at the latest when the run is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.chaos.saboteur import Saboteur
from streams.chaos.schedule import Fault, Kill, Stall, Step, Trouble


@dataclass
class Victim:
    """Supervisor, simulator and database at once; `told` is what was done to them. An end may fail at first."""

    failures: int = 0
    is_there: bool = True
    told: list[str] = field(default_factory=list)

    def kill(self, name: str, *, back_after_s: float) -> bool:
        self.told.append(f"kill {name}")
        return self.is_there

    def stall(self, name: str) -> Callable[[], bool] | None:
        return self._begun(name)

    def begin(self, kind: str) -> Callable[[], bool] | None:
        return self._begun(kind)

    def add(self, fault: Fault) -> list[int]:
        self.told.append(f"begin {fault.kind}")
        return [1, 2] if self.is_there else []

    def remove(self, number: int) -> bool:
        self.told.append(f"end {number}")
        return True

    def _begun(self, what: str) -> Callable[[], bool] | None:
        self.told.append(f"begin {what}")

        def end() -> bool:
            self.failures -= 1
            if self.failures < 0:
                self.told.append(f"end {what}")
            return self.failures < 0

        return end if self.is_there else None


def done(victim: Any, *plan: Step, stopped: bool = False) -> Saboteur:
    saboteur, stop = Saboteur(victim, victim, victim), threading.Event()
    if stopped:
        victim.kill = lambda *_, **__: stop.set()
    saboteur.run(plan, stop)
    return saboteur


def test_stalls_troubles_and_faults_end_also_when_two_end_at_once() -> None:
    victim = Victim()
    saboteur = done(
        victim,
        Fault(at_s=0.0, kind="hold-blocks", organisations=("A", "B"), for_s=0.02),
        Stall(at_s=0.0, component="sink", for_s=0.02),
        Trouble(at_s=0.01, kind="lock-rows", for_s=0.01),
        Kill(at_s=0.01, component="route", down_s=0.0),
    )
    assert victim.told[:4] == ["begin hold-blocks", "begin sink", "begin lock-rows", "kill route"]
    assert sorted(victim.told[4:]) == ["end 1", "end 2", "end lock-rows", "end sink"]
    assert all(deed.is_done for deed in saboteur.deeds)


def test_a_trouble_that_cannot_be_ended_yet_is_ended_later() -> None:
    victim = Victim(failures=2)
    done(victim, Trouble(at_s=0.0, kind="read-only", for_s=0.01))
    assert victim.told == ["begin read-only", "end read-only"]


@pytest.mark.timeout(10)
def test_nothing_stands_still_after_a_run_that_was_stopped() -> None:
    victim = Victim()
    done(
        victim,
        Stall(at_s=0.0, component="kafka", for_s=60.0),
        Kill(at_s=0.0, component="route", down_s=0.0),
        stopped=True,
    )
    assert victim.told == ["begin kafka", "end kafka"]


def test_what_found_nobody_was_not_done_and_has_no_end() -> None:
    victim = Victim(is_there=False)
    saboteur = done(
        victim,
        Stall(at_s=0.0, component="sink", for_s=0.0),
        Trouble(at_s=0.0, kind="lock-rows", for_s=0.0),
        Fault(at_s=0.0, kind="late", for_s=0.0),
        Kill(at_s=0.0, component="sink", down_s=0.0),
    )
    assert [deed.is_done for deed in saboteur.deeds] == [False] * 4
    assert not [text for text in victim.told if text.startswith("end")]
