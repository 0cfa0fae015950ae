"""Commands in lanes: each waits for its turn and its slot, is submitted, published, and only then acknowledged.

Knows neither Faust nor Kafka: the worker gives it records, and something that publishes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from streams.endings import Ending, dead_letter
from streams.errors import LedgerError
from streams.kafka.replays import Replay
from streams.lanes import Abandoned, Lanes, Token
from streams.messages import DeadLetter, Outcome, OutcomeKind
from streams.operators import LaneControl
from streams.retry import Step
from streams.stages.submission.patience import Patience
from streams.stages.submit import Surroundings, submit
from streams.telemetry import Event, logger
from streams.window import Window
from streams.workers.allowance import Allowance
from streams.workers.intake import Intake
from streams.workers.parked import held_back, settled, valid_entry
from streams.workers.pauses import Pauses, waiting
from streams.workers.recent import Recent
from streams.workers.replay_gate import ReplayGate
from streams.workers.resolved import Resolved
from streams.workers.slot import Rests, Slot
from streams.workers.submission_told import SubmissionTold
from streams.workers.taken import Publisher, Taken, Unreadable


class Carrier:
    """Keeps commands in flight and carries each to its end.

    `told` passes on what happens on the way; `owns_partitions` asks whether they are still this worker's.
    """

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
        told: SubmissionTold,
        owns_partitions: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self.surroundings, self.window, self.intake = surroundings, window, intake
        self.publisher, self.allowance, self.told = publisher, allowance, told
        self.pauses, self.resolved, self._owns_partitions = pauses, resolved, owns_partitions
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
        taken.token.works(asyncio.get_running_loop().time())
        match taken:
            case Taken():
                await self._command(taken)
            case Unreadable(letter=letter, traceparent=traceparent):
                with self.told.passing_on(traceparent):
                    await self._bury(letter, taken.token)
        self.intake.finish(taken.token)
        if isinstance(taken, Taken) and taken.replay is not None and not taken.token.is_stale:
            self.replays.finished()

    async def _command(self, taken: Taken) -> None:
        """Until it has ended: a pause may come while it waits for its slot, and a decision while it is paused."""
        while not await self._is_known(taken):
            await self._until_let_go(taken)
            if self.resolved.is_given_up(taken.command):
                continue
            async with Slot(self.window, taken.command.tenant_id, self._rests, taken.token) as slot:
                await self.allowance.room(slot.rest)
                with self.told.submission(taken.command.command_id, taken.source.traceparent, taken.taken_at) as told:
                    ending = await self._held_back(taken, slot)
                    if ending is None and self._is_held(taken):
                        continue
                    ending = ending or await self._submit(taken, slot)
                    await self._publish(taken, ending)
                    told.ended(ending.outcome)
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
        with self.told.again(taken.source.traceparent):
            if known is not None:
                await self.publisher.outcome(known)
        return True

    async def _until_let_go(self, taken: Taken) -> None:
        taken.token.rests()
        await self.pauses.let_go(taken.command, taken.replay_id, partial(self._report_paused, taken))
        taken.token.works(asyncio.get_running_loop().time())

    def _is_held(self, taken: Taken) -> bool:
        """An operator has decided while it waited for its slot."""
        is_paused = self.pauses.holding(taken.command, taken.replay_id) is not None
        return is_paused or self.resolved.is_given_up(taken.command)

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
            slot.hand_over,
            is_repeated=taken.replay is not None,
            redriven_by=taken.redriven_by,
        )

    def _alone_since(self, taken: Taken) -> datetime:
        """Since when nothing else is submitted for the command; what was, before it was parked, may still come."""
        is_parked = taken.book.is_parked(taken.command)
        return self.surroundings.now() if is_parked else taken.owned_since

    async def _held_back(self, taken: Taken, slot: Slot) -> Ending | None:
        """The ending of a command that must not pass a parked one of its key; None: the way is free."""
        around, command = self.surroundings, taken.command
        patience = Patience(around, slot.rest)
        while command.waits_for_parked and (parked := taken.book.ahead_of(command)) is not None:
            if self.resolved.is_given_up(parked.command):
                taken.book.settle(parked.command.command_id)
                continue
            try:
                entry = await valid_entry(around.ledger, parked)
            except LedgerError as unknown:
                patience.count(Step.LOOK_UP, unknown)
                await patience.back_off()
                continue
            around.health.well(Step.LOOK_UP)
            if entry is None:
                return held_back(command, parked, taken_at=taken.taken_at, now=around.now(), worker=around.worker)
            if (outcome := settled(parked, entry, now=around.now(), worker=around.worker)) is not None:
                await self.publisher.outcome(outcome)
            taken.book.settle(parked.command.command_id)
        return None

    async def _publish(self, taken: Taken, ending: Ending) -> None:
        """Dead letter first: an outcome without its letter would be lost to the next delivery."""
        outcome, letter = ending.outcome, dead_letter(ending, taken.source)
        _tell(ending, letter)
        is_held = outcome.kind is OutcomeKind.WAITING
        await self._require_ownership(outcome)
        if letter is not None and not (is_held and taken.book.is_parked(taken.command)):
            # What waits behind a parked command is no sign of a fault, and must not use up what other keys may need.
            await (self.publisher.dead_letter(letter) if is_held else self._bury(letter, taken.token))
            taken.book.note(letter)
            await self._require_ownership(outcome)
        self._recent.note(taken.command, outcome)
        if outcome.kind is OutcomeKind.COMMITTED:
            taken.book.committed(taken.command)
        await self.publisher.outcome(outcome)

    async def _require_ownership(self, outcome: Outcome) -> None:
        """Raises Abandoned instead of failing what another worker may be carrying.

        Asked once more when the letter is there: whoever is given the partition from now on reads it first.
        """
        is_failed = outcome.kind is OutcomeKind.FAILED
        if is_failed and self._owns_partitions is not None and not await self._owns_partitions():
            logger().warning(Event.COMMAND_LEFT_TO_OTHERS, command_id=outcome.command_id)
            raise Abandoned

    async def _bury(self, letter: DeadLetter, token: Token) -> None:
        """Publish a dead letter as soon as the allowance has room for it."""
        token.rests()
        await self.allowance.room(self._rests.sleep)
        token.works(asyncio.get_running_loop().time())
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
