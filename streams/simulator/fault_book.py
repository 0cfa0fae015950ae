"""Which fault strikes which call. Pure: the time is given, chance comes from seeds, no network is touched."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import TypeVar, cast

from streams.simulator.faults import Fault, Limits, Rpc

F = TypeVar("F", bound=Limits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """What is known of a call before it is served; "" where it names no function or nobody known.

    A fault decides once per call: a certificate that is looked at twice is expired twice, or not at all.
    """

    rpc: Rpc
    identity: str
    function: str
    decided: dict[int, bool] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class ActiveFault:
    """A fault in force: how many calls it has struck, since when (seconds of the book's clock)."""

    number: int
    fault: Fault
    since_s: float
    chance: Random
    struck: int = 0

    @property
    def is_spent(self) -> bool:
        """It has struck as many calls as it should."""
        return self.fault.count is not None and self.struck >= self.fault.count

    def strikes(self, call: Call) -> bool:
        """Decide, once per call."""
        if self.number not in call.decided:
            call.decided[self.number] = self._decide(call)
            self.struck += call.decided[self.number]
        return call.decided[self.number]

    def _decide(self, call: Call) -> bool:
        if self.is_spent or self.fault.identity not in (None, call.identity):
            return False
        if self.fault.function is not None and not fnmatchcase(call.function, self.fault.function):
            return False
        return self.fault.probability >= 1.0 or self.chance.random() < self.fault.probability


class FaultBook:
    """The faults in force. `clock` counts seconds from anywhere, and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._active: dict[int, ActiveFault] = {}
        self._removed_at_s: dict[type[Limits], float] = {}
        self._last_number = 0
        self._current: ContextVar[Call | None] = ContextVar("call", default=None)
        self.on_change: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        """Whether anything may strike: without, nobody needs to know who calls what."""
        return bool(self._active)

    def add(self, fault: Fault) -> ActiveFault:
        """Put a fault into force."""
        self._last_number += 1
        added = ActiveFault(
            number=self._last_number,
            fault=fault,
            since_s=self._clock(),
            chance=Random(fault.seed),  # noqa: S311
        )
        self._active[added.number] = added
        self._changed()
        return added

    def remove(self, number: int) -> bool:
        """Take a fault out of force; False when there is none of this number."""
        removed = self._active.pop(number, None)
        if removed is None:
            return False
        self._removed_at_s[type(removed.fault)] = self._clock()
        self._changed()
        return True

    def clear(self) -> None:
        """Take every fault out of force."""
        for number in list(self._active):
            self.remove(number)

    def listed(self) -> list[ActiveFault]:
        """The faults in force and those that are spent, in the order in which they were added."""
        return list(self._active.values())

    def holds(self, active: ActiveFault) -> bool:
        """Whether a fault is still in force."""
        return active.number in self._active

    def begin(self, call: Call | None) -> None:
        """From here on, in this task and those that it starts, `strike` is about this call."""
        self._current.set(call)

    def strike(self, kind: type[F], wanted: Callable[[F], bool] = lambda _: True) -> F | None:
        """The first fault of this kind that strikes the current call; None also outside of any call."""
        if not self._active:
            return None
        found = self.strike_active(kind, wanted)
        return None if found is None else cast(F, found.fault)

    def strike_active(self, kind: type[F], wanted: Callable[[F], bool] = lambda _: True) -> ActiveFault | None:
        """The same, with number and age."""
        call = self._current.get() if self._active else None
        if call is None:
            return None
        for active in self._active.values():
            if isinstance(active.fault, kind) and wanted(active.fault) and active.strikes(call):
                return active
        return None

    def age_s(self, active: ActiveFault) -> float:
        """How long a fault is in force."""
        return self._clock() - active.since_s

    def removed_within(self, kind: type[Limits], seconds: float) -> bool:
        """Whether a fault of this kind was removed not longer ago than this."""
        removed_at_s = self._removed_at_s.get(kind)
        return removed_at_s is not None and self._clock() - removed_at_s < seconds

    def _changed(self) -> None:
        for listener in self.on_change:
            listener()
