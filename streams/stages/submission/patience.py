"""How often one command was tried, per kind of failure, and how long it rests before the next try."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.errors import LedgerError
from streams.retry import IDENTITY_ILL, OVERLOADED, Step
from streams.stages.submission.surroundings import Rest, Surroundings


@dataclass(slots=True)
class Patience:
    """Counts and rests. Each limit is reached after so many failures; `tries` start anew with each step forward."""

    around: Surroundings
    rest: Rest
    tries: int = field(default=0, init=False)
    refusals: int = field(default=0, init=False)
    _failures: int = field(default=0, init=False)
    _holds: int = field(default=0, init=False)

    def progressed(self) -> None:
        """The transaction has come a step further."""
        self.tries = 0

    def start_anew(self) -> None:
        """Another transaction."""
        self.tries = self._failures = 0

    def count(self, step: Step, error: LedgerError) -> None:
        """Tell the identity's health of an answer; a try, unless the identity is to blame."""
        health = self.around.health
        if error.code == OVERLOADED:
            health.overloaded()
            return
        if error.code in IDENTITY_ILL:
            if health.ill(step, error):
                return
        else:
            health.well(step)
        self.tries += 1

    @property
    def is_out_of_tries(self) -> bool:
        """The transaction has not come further for as often as it may."""
        return self.tries >= self.around.max_tries

    def refused(self) -> bool:
        """Count a refusal that may not come again; whether it was the last one."""
        self.refusals += 1
        return self.refusals >= self.around.max_refusals

    async def back_off(self) -> None:
        """Before the same question is asked again."""
        self._failures += 1
        await self.rest(self.around.backoff.wait_s(self._failures))

    async def let_the_state_move_on(self, attempt: int) -> None:
        """Before an attempt that follows on a conflict."""
        await self.rest(self.around.conflict_backoff.wait_s(attempt))

    async def hold(self) -> None:
        """Until the chaincode's reason may be lifted."""
        self._holds += 1
        await self.rest(self.around.wait_backoff.wait_s(self._holds))
