"""What the submit stage needs from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from streams.errors import LedgerError
from streams.ledger import Ledger
from streams.messages import Outcome, RoutedCommand
from streams.retry import Backoff, Meaning, Step, Verdict

Rest: TypeAlias = Callable[[float], Awaitable[None]]
"""Waits so many seconds, and longer while the identity is ill; another command may have the place meanwhile.

It may raise a BaseException that is no Exception, which passes through the stage: the command is given up unfinished.
"""


class Health(Protocol):
    """Of one identity's way to the ledger; it is told of every answer."""

    def ill(self, step: Step, error: LedgerError) -> bool:
        """An answer that says nothing about the command.

        Returns whether the identity is known to be ill: then no try of the command is counted. While it is not, others
        get through, and a command that always times out must come to an end.
        """
        ...

    def well(self, step: Step) -> None:
        """An answer, whatever it says about the command."""
        ...

    def overloaded(self) -> None:
        """The gateway has too many calls at once."""
        ...

    def succeeded(self) -> None:
        """A command is committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the stage needs from outside: the ledger, time, patience, and who to tell.

    `max_attempts`: transaction ids tried when reads conflict, then FAILED. `max_refusals`: refusals of meaning `retry`,
    then FAILED. `max_tries`: of one transaction without progress, then PARKED.
    `settle_s`: how long what another process submitted may take into a block.
    """

    ledger: Ledger
    backoff: Backoff
    conflict_backoff: Backoff
    wait_backoff: Backoff
    max_attempts: int
    max_tries: int
    max_refusals: int
    meaning: Callable[[str], Meaning]
    health: Health
    now: Callable[[], datetime]
    report: Callable[[Outcome], Awaitable[None]]  # must not raise: news of a command is not its fate
    notice: Callable[[RoutedCommand, LedgerError, Verdict], None]
    worker: str
    settle_s: float = 60.0
