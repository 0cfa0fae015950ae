"""The submit stage, run against a scripted ledger: how a command ended, and what was asked and told on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from scripted_ledger import BLOCK, COMMAND, TAKEN_AT, ScriptedLedger

from streams.endings import Ending
from streams.errors import LedgerError
from streams.messages import Outcome, OutcomeKind, RoutedCommand
from streams.retry import Backoff, Meaning, Verdict
from streams.retry import Step as Asked
from streams.stages.submit import Surroundings, submit


@dataclass(slots=True)
class NotedHealth:
    """Keeps what it was told; `is_ill` is what it answers."""

    is_ill: bool
    told: list[tuple[str, Asked | None]] = field(default_factory=list)

    def ill(self, step: Asked, error: LedgerError) -> bool:
        self.told.append(("ill", step))
        return self.is_ill

    def well(self, step: Asked) -> None:
        self.told.append(("well", step))

    def overloaded(self) -> None:
        self.told.append(("overloaded", None))

    def succeeded(self) -> None:
        self.told.append(("succeeded", None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of the stage's patience."""

    max_attempts: int = 100
    max_tries: int = 400
    max_refusals: int = 3


@dataclass(frozen=True, slots=True)
class Carried:
    """How a command ended, and what the surroundings saw until then."""

    ending: Ending
    reported: list[Outcome]
    waits_s: list[float]
    noticed: list[tuple[str, Verdict]]
    health: NotedHealth

    @property
    def outcome(self) -> Outcome:
        return self.ending.outcome


MEANINGS = {"system is paused": Meaning.WAIT, "state database is busy": Meaning.RETRY}
ANY_LIMITS = Limits()


def carry(
    ledger: ScriptedLedger,
    limits: Limits = ANY_LIMITS,
    *,
    is_ill: bool = False,
    alone_since: datetime | None = None,
    settle_s: float = 60.0,
) -> Carried:
    """Run the stage to its end; the back-off is not waited for and has no jitter, the clock ticks by the second."""
    reported: list[Outcome] = []
    waits_s: list[float] = []
    noticed: list[tuple[str, Verdict]] = []
    health = NotedHealth(is_ill)
    ticks = count(1)
    ledger.calls.clear()

    async def report(outcome: Outcome) -> None:
        reported.append(outcome)

    async def rest(seconds: float) -> None:
        waits_s.append(seconds)

    def notice(_: RoutedCommand, error: LedgerError, decision: Verdict) -> None:
        noticed.append((error.code, decision))

    def now() -> datetime:
        return TAKEN_AT + timedelta(seconds=next(ticks))

    backoff = Backoff(base_s=1.0, cap_s=8.0, jitter=lambda _, most: most)
    surroundings = Surroundings(
        ledger=ledger,
        backoff=backoff,
        conflict_backoff=backoff,
        wait_backoff=backoff,
        max_attempts=limits.max_attempts,
        max_tries=limits.max_tries,
        max_refusals=limits.max_refusals,
        meaning=lambda text: MEANINGS.get(text, Meaning.REFUSE),
        health=health,
        now=now,
        report=report,
        notice=notice,
        worker="w",
        settle_s=settle_s,
    )
    ending = asyncio.run(submit(COMMAND, TAKEN_AT, surroundings, rest, alone_since))
    return Carried(ending, reported, waits_s, noticed, health)


def is_committed(carried: Carried, transaction_id: str) -> bool:
    outcome = carried.outcome
    said = (outcome.kind, outcome.transaction_id, outcome.block_number, outcome.error_code, outcome.error)
    return said == (OutcomeKind.COMMITTED, transaction_id, BLOCK, None, None) and not carried.ending.dead_letter_kind
