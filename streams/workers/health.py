"""How well an identity's way to the ledger is: what the stage tells, as the breaker and the window take it."""

from __future__ import annotations

from streams.breaker import Breaker, BreakerState
from streams.errors import LedgerError
from streams.retry import Step
from streams.window import Window


class IdentityHealth:
    """`streams.stages.submission.surroundings.Health` over one breaker and one window."""

    def __init__(self, breaker: Breaker, window: Window) -> None:
        self._breaker, self._window = breaker, window

    def ill(self, step: Step, error: LedgerError) -> bool:
        """Whether the identity is known to be ill: then nobody counts the try."""
        self._breaker.ill(step, f"{error.code}: {error}")
        return self._breaker.state is not BreakerState.CLOSED

    def well(self, step: Step) -> None:
        """The step answers."""
        self._breaker.well(step)

    def overloaded(self) -> None:
        """Fewer at once."""
        self._window.narrow()

    def succeeded(self) -> None:
        """Perhaps one more at once."""
        self._window.widen()
