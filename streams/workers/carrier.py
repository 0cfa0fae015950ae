"""Commands in lanes: each waits for its turn and its slot, is submitted, published, and only then acknowledged.

Knows neither Faust nor Kafka: the worker gives it records, and something that publishes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from streams.endings import Ending, Source, dead_letter
from streams.errors import LedgerError
from streams.kafka.replays import Replay
from streams.lanes import Lanes, Token
from streams.messages import DeadLetter, Outcome, OutcomeKind, RoutedCommand
from streams.operators import LaneControl
from streams.retry import Step
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event, logger
from streams.window import Window
from streams.workers.allowance import Allowance
from streams.workers.book import Book
from streams.workers.intake import Intake
from streams.workers.parked import held_back, is_on_ledger
from streams.workers.pauses import Pauses, waiting
from streams.workers.recent import Recent
from streams.workers.replay_gate import ReplayGate
from streams.workers.resolved import Resolved
from streams.workers.slot import Rests, Slot


class Publisher(Protocol):
    """Where endings go. Both return when it is safe there, and raise when the worker must not go on."""

    async def outcome(self, outcome: Outcome) -> None: ...

    async def dead_letter(self, letter: DeadLetter) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A command in hand: the record it came in, and the token that acknowledges it.

    `owned_since`: when its partition was assigned; `book`: what the dead letters said then and say since. `replay`:
    what delivered it once more; None: it is live.
    """

    source: Source
    token: Token
    command: RoutedCommand
    taken_at: datetime
    owned_since: datetime
    book: Book
    replay: Replay | None = None

    @property
    def redriven_by(self) -> str | None:
        """What tries it again though it may have failed."""
        return self.replay.replay_id if self.replay is not None and self.replay.is_redrive else None

    @property
    def replay_id(self) -> str | None:
        """What delivered it once more."""
        return self.replay.replay_id if self.replay is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that is no command of ours, as a dead letter."""

    letter: DeadLetter
    token: Token


class Carrier:
    """Keeps commands in flight and carries each to its end; `absorbed` is told of deliveries that changed nothing."""

    def __init__(
        self,
        *,
        surroundings: Surroundings,
        window: Window,
        intake: Intake,
        publisher: Publisher,
        allowance: Allowance,
        pauses: Pauses,
        resolved: Resolved,
        on_bug: Callable[[BaseException], Awaitable[None]],
        absorbed: Callable[[], None] = lambda: None,
    ) -> None:
        self.surroundings, self.window, self.intake = surroundings, window, intake
        self.publisher, self.allowance, self.absorbed = publisher, allowance, absorbed
        self.pauses, self.resolved = pauses, resolved
        self.lanes: Lanes[Taken | Unreadable] = Lanes(self._carry, on_bug=on_bug)
        self.replays: ReplayGate[Taken] = ReplayGate(lambda: window.limit, self._enter)
        self._rests = Rests()
        self._recent = Recent(surroundings.settle_s, surroundings.now)

    def take(self, taken: Taken | Unreadable) -> None:
        """Queue it behind the others of its keys."""
        match taken:
            case Taken(replay=Replay(share=share)):
                self.replays.take(share, taken)
            case Taken():
                self._enter(taken)
            case Unreadable(letter=letter):
                self.lanes.put((str(letter.origin),), taken)

    def _enter(self, taken: Taken) -> None:
        self.lanes.put((taken.command.ordering_key, *taken.command.touches), taken)

    async def drain(self, timeout_s: float) -> int:
        """Before partitions are given back: what is with the ledger may finish; how many were cut off."""
        self.pauses.close()
        self.window.close()
        self._rests.end()
        abandoned = await self.lanes.drain(timeout_s)
        self.replays.forget()
        self.intake.forget()
        self._rests.begin()
        self.window.reopen()
        self.pauses.reopen()
        return abandoned

    async def _carry(self, taken: Taken | Unreadable) -> None:
        match taken:
            case Taken():
                await self._command(taken)
            case Unreadable(letter=letter):
                await self._bury(letter)
        self.intake.finish(taken.token)
        if isinstance(taken, Taken) and taken.replay is not None and not taken.token.is_stale:
            self.replays.finished()

    async def _command(self, taken: Taken) -> None:
        """Until it has ended: a pause may come while it waits for its slot, and a decision while it is paused."""
        while not await self._is_known(taken):
            await self.pauses.let_go(taken.command, taken.replay_id, partial(self._report_paused, taken))
            if self.resolved.is_given_up(taken.command):
                continue
            async with Slot(self.window, taken.command.tenant_id, self._rests) as slot:
                await self.allowance.room(slot.rest)
                ending = await self._held_back(taken, slot)
                if ending is None and self.pauses.holding(taken.command, taken.replay_id) is not None:
                    continue
                ending = ending or await self._submit(taken, slot)
                await self._publish(taken, ending)
                return

    async def _is_known(self, taken: Taken) -> bool:
        """How it ended, or that it is not to be submitted, is known, and told."""
        around, command = self.surroundings, taken.command
        if self.resolved.is_given_up(command):
            known = self.resolved.outcome(command, around.now(), around.worker)
        else:
            failed_before = None if taken.redriven_by else taken.book.outcome(command)
            known = failed_before or self._recent.outcome(command)
            if known is None:
                return False
        self.absorbed()
        if known is not None:
            await self.publisher.outcome(known)
        return True

    async def _report_paused(self, taken: Taken, pause: LaneControl) -> None:
        around = self.surroundings
        now = around.now()
        await around.report(waiting(taken.command, pause, taken_at=taken.taken_at, now=now, worker=around.worker))

    async def _submit(self, taken: Taken, slot: Slot) -> Ending:
        return await submit(
            taken.command,
            taken.taken_at,
            self.surroundings,
            slot.rest,
            self._alone_since(taken),
            is_repeated=taken.replay is not None,
            redriven_by=taken.redriven_by,
        )

    def _alone_since(self, taken: Taken) -> datetime:
        """Since when nothing else is submitted for the command; what was, before it was parked, may still come."""
        is_parked = taken.book.is_parked(taken.command)
        return self.surroundings.now() if is_parked else taken.owned_since

    async def _held_back(self, taken: Taken, slot: Slot) -> Ending | None:
        """The ending of a command that must not pass a parked one of its key; None: the way is free."""
        around, command, failures = self.surroundings, taken.command, 0
        while command.waits_for_parked and (parked := taken.book.ahead_of(command)) is not None:
            if self.resolved.is_given_up(parked.command):
                taken.book.settle(parked.command.command_id)
                continue
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
        if letter is not None and not (is_held and taken.book.is_parked(taken.command)):
            # What waits behind a parked command is no sign of a fault, and must not use up what other keys may need.
            await (self.publisher.dead_letter(letter) if is_held else self._bury(letter))
            taken.book.note(letter)
        self._recent.note(taken.command, outcome)
        if outcome.kind is OutcomeKind.COMMITTED:
            taken.book.committed(taken.command)
            if "endorsed" not in outcome.stages:  # it was on the ledger already
                self.absorbed()
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
