"""When no new command may start: the breaker of one identity. Knows no clock but the one it is given.

CLOSED --threshold failures of a step in a row--> OPEN --its wait is over--> PROBING --the step answers--> CLOSED
                                                   ^                            |
                                                   +------- a step fails -------+   and the next wait is longer

A failure means here that the gateway or the ordering service is ill, never that a command was refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from streams.retry import Backoff, Step


class BreakerState(StrEnum):
    """`probing`: one command is under way to learn whether the step answers again."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Breaker:
    """Counts failures per step; open while a step that failed `threshold` times in a row has not answered since.

    `clock`: seconds, the one by which the window's timers run. `on_change(state, cause)` hears of every change;
    it must not raise. `wake` is set by the window: called when commands that wait may have to be looked at again.
    """

    def __init__(
        self,
        *,
        threshold: int,
        backoff: Backoff,
        clock: Callable[[], float],
        on_change: Callable[[BreakerState, str], None],
    ) -> None:
        self._threshold = threshold
        self._backoff = backoff
        self._clock = clock
        self._on_change = on_change
        self.wake: Callable[[], None] = _nobody_waits
        self._state = BreakerState.CLOSED
        self._cause = ""
        self._failures: Counter[Step] = Counter()
        self._ill: set[Step] = set()
        self._waits = 0
        self._due = 0.0
        self._is_probed = False
        self._silent = 0

    def ill(self, step: Step, cause: str) -> None:
        """One more failure in a row of this step.

        Any failure while probing ends the probe, also that of a command which was under way before: the step is ill,
        and if the probe fares better its answer closes the breaker all the same.
        """
        self._failures[step] += 1
        if self._failures[step] >= self._threshold:
            self._ill.add(step)
        if self._state is BreakerState.PROBING or (self._state is BreakerState.CLOSED and self._ill):
            self._waits += 1
            self._due = self._clock() + self._backoff.wait_s(self._waits)
            self._become(BreakerState.OPEN, cause)
            self.wake()

    def well(self, step: Step) -> None:
        """The step answered, be it with a refusal; closes the breaker unless another step is ill too."""
        self._failures[step] = 0
        self._ill.discard(step)
        if self._state is not BreakerState.CLOSED and not self._ill:
            self._close()

    def may_enter(self) -> bool:
        """Whether a command may start now. A yes that is not from CLOSED makes that command the probe."""
        match self._state:
            case BreakerState.CLOSED:
                return True
            case BreakerState.OPEN if self._clock() >= self._due:
                self._silent, self._is_probed = 0, True
                self._become(BreakerState.PROBING, self._cause)
                return True
            case BreakerState.PROBING if not self._is_probed:
                self._is_probed = True
                return True
            case _:
                return False

    def probe_left(self) -> None:
        """The probe's command left the window; if it said nothing about a step, the next may probe at once.

        When `threshold` probes in a row had nothing to say of the ill step, nobody needs it: the breaker closes.
        Without that, a step that only the commands of a lost partition needed would let one command in at a time.
        """
        if self._state is not BreakerState.PROBING:
            return
        self._is_probed = False
        self._silent += 1
        if self._silent >= self._threshold:
            self._close()

    @property
    def state(self) -> BreakerState:
        """Where it stands. OPEN lasts until a command asks to enter after the wait."""
        return self._state

    @property
    def cause(self) -> str:
        """The failure that opened it last; empty when closed."""
        return self._cause

    @property
    def retry_in_s(self) -> float | None:
        """Seconds until a probe may enter (0: now); None unless OPEN."""
        return max(0.0, self._due - self._clock()) if self._state is BreakerState.OPEN else None

    def _close(self) -> None:
        for step in self._ill:
            self._failures[step] = 0
        self._ill.clear()
        self._waits = 0
        self._become(BreakerState.CLOSED, "")
        self.wake()

    def _become(self, state: BreakerState, cause: str) -> None:
        self._state, self._cause = state, cause
        self._on_change(state, cause)


def _nobody_waits() -> None:
    """Until a window is there."""
