"""Commands in lanes: each waits for its turn and its slot, is submitted, published, and only then acknowledged.

Knows neither Faust nor Kafka: the worker gives it records, and something that publishes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streams.endings import Ending, Source, dead_letter
from streams.errors import LedgerError
from streams.lanes import Lanes, Token
from streams.messages import DeadLetter, Outcome, OutcomeKind, RoutedCommand
from streams.retry import Step
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event, logger
from streams.window import Window
from streams.workers.allowance import Allowance
from streams.workers.book import Book
from streams.workers.intake import Intake
from streams.workers.parked import held_back, is_on_ledger
from streams.workers.recent import Recent
from streams.workers.slot import Rests, Slot
from streams.workers.submission_told import SubmissionTold


class Publisher(Protocol):
    """Where endings go. Both return when it is safe there, and raise when the worker must not go on."""

    async def outcome(self, outcome: Outcome) -> None: ...

    async def dead_letter(self, letter: DeadLetter) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A command in hand: the record it came in, and the token that acknowledges it.

    `owned_since`: when its partition was assigned; `book`: what the dead letters said then and say since.
    """

    source: Source
    token: Token
    command: RoutedCommand
    taken_at: datetime
    owned_since: datetime
    book: Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that is no command of ours, as a dead letter; `traceparent` is the trace context that it carried."""

    letter: DeadLetter
    token: Token
    traceparent: str | None = None


class Carrier:
    """Keeps commands in flight and carries each to its end; `told` passes on what happens on the way."""

    def __init__(
        self,
        *,
        surroundings: Surroundings,
        window: Window,
        intake: Intake,
        publisher: Publisher,
        allowance: Allowance,
        on_bug: Callable[[BaseException], Awaitable[None]],
        told: SubmissionTold,
    ) -> None:
        self.surroundings, self.window, self.intake = surroundings, window, intake
        self.publisher, self.allowance, self.told = publisher, allowance, told
        self.lanes: Lanes[Taken | Unreadable] = Lanes(self._carry, on_bug=on_bug)
        self._rests = Rests()
        self._recent = Recent(surroundings.settle_s, surroundings.now)

    def take(self, taken: Taken | Unreadable) -> None:
        """Queue it behind the others of its keys."""
        match taken:
            case Taken(command=command):
                self.lanes.put((command.ordering_key, *command.touches), taken)
            case Unreadable(letter=letter):
                self.lanes.put((str(letter.origin),), taken)

    async def drain(self, timeout_s: float) -> int:
        """Before partitions are given back: what is with the ledger may finish; how many were cut off."""
        self.window.close()
        self._rests.end()
        abandoned = await self.lanes.drain(timeout_s)
        self.intake.forget()
        self._rests.begin()
        self.window.reopen()
        return abandoned

    async def _carry(self, taken: Taken | Unreadable) -> None:
        match taken:
            case Taken():
                await self._command(taken)
            case Unreadable(letter=letter, traceparent=traceparent):
                with self.told.passing_on(traceparent):
                    await self._bury(letter)
        self.intake.finish(taken.token)

    async def _command(self, taken: Taken) -> None:
        known = taken.book.outcome(taken.command) or self._recent.outcome(taken.command)
        if known is not None:
            with self.told.again(taken.source.traceparent):
                await self.publisher.outcome(known)
            return
        async with Slot(self.window, taken.command.tenant_id, self._rests) as slot:
            await self.allowance.room(slot.rest)
            with self.told.submission(taken.command.command_id, taken.source.traceparent, taken.taken_at) as told:
                ending = await self._held_back(taken, slot)
                if ending is None:
                    ending = await submit(
                        taken.command, taken.taken_at, self.surroundings, slot.rest, self._alone_since(taken)
                    )
                await self._publish(taken, ending)
                told.ended(ending.outcome)

    def _alone_since(self, taken: Taken) -> datetime:
        """Since when nothing else is submitted for the command; what was, before it was parked, may still come."""
        is_parked = taken.book.is_parked(taken.command.command_id)
        return self.surroundings.now() if is_parked else taken.owned_since

    async def _held_back(self, taken: Taken, slot: Slot) -> Ending | None:
        """The ending of a command that must not pass a parked one of its key; None: the way is free."""
        around, command, failures = self.surroundings, taken.command, 0
        while command.waits_for_parked and (parked := taken.book.ahead_of(command)) is not None:
            try:
                is_settled = await is_on_ledger(around.ledger, parked)
            except LedgerError as unknown:
                failures += 1
                around.health.ill(Step.LOOK_UP, unknown)
                await slot.rest(around.backoff.wait_s(failures))
                continue
            if not is_settled:
                return held_back(command, parked, taken_at=taken.taken_at, now=around.now(), worker=around.worker)
            taken.book.settle(parked.command.command_id)
        return None

    async def _publish(self, taken: Taken, ending: Ending) -> None:
        """Dead letter first: an outcome without its letter would be lost to the next delivery."""
        outcome, letter = ending.outcome, dead_letter(ending, taken.source)
        _tell(ending, letter)
        is_held = outcome.kind is OutcomeKind.WAITING
        if letter is not None and not (is_held and taken.book.is_parked(outcome.command_id)):
            # What waits behind a parked command is no sign of a fault, and must not use up what other keys may need.
            await (self.publisher.dead_letter(letter) if is_held else self._bury(letter))
            taken.book.note(letter)
        self._recent.note(taken.command, outcome)
        if outcome.kind is OutcomeKind.COMMITTED:
            taken.book.settle(outcome.command_id)
        await self.publisher.outcome(outcome)

    async def _bury(self, letter: DeadLetter) -> None:
        """Publish a dead letter as soon as the allowance has room for it."""
        await self.allowance.room(self._rests.sleep)
        self.allowance.spend()
        await self.publisher.dead_letter(letter)


def _tell(ending: Ending, letter: DeadLetter | None) -> None:
    command_id = ending.outcome.command_id
    if ending.bug is not None:
        logger().error(Event.COMMAND_PARKED, command_id=command_id, exc_info=ending.bug)
    elif letter is None:
        return
    elif ending.outcome.kind is OutcomeKind.WAITING:
        logger().warning(Event.COMMAND_HELD_BACK, command_id=command_id, cause=letter.cause)
    else:
        logger().warning(Event.COMMAND_FAILED, command_id=command_id, code=letter.error_code, cause=letter.cause)
