"""What operators have paused, as a worker knows it: commands that have not been sent wait until they are let go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from streams.lanes import Abandoned
from streams.messages import Outcome, OutcomeKind, RoutedCommand
from streams.operators import LaneControl

PAUSED = "PAUSED"


class Pauses:
    """The pauses in force. Who waits wakes at each change; a drain gives them all up."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._in_force: dict[str, LaneControl] = {}
        self._news = asyncio.Event()
        self._is_closed = False

    def note(self, control: LaneControl) -> None:
        """The newest record of a selector; those of other identities are of no interest."""
        if control.identity not in (None, self._identity):
            return
        if control.is_paused:
            self._in_force[control.key] = control
        else:
            self._in_force.pop(control.key, None)
        self._wake()

    def holding(self, command: RoutedCommand, replay_id: str | None = None) -> LaneControl | None:
        """The oldest pause that is about the command; None: it may start."""
        return next((control for control in self._in_force.values() if control.selects(command, replay_id)), None)

    async def let_go(
        self, command: RoutedCommand, replay_id: str | None, tell: Callable[[LaneControl], Awaitable[None]]
    ) -> None:
        """Return when no pause is about the command; `tell` is called once with each that holds it.

        Raises Abandoned as `changed` does.
        """
        told: set[str] = set()
        while (pause := self.holding(command, replay_id)) is not None:
            if pause.key in told:
                await self.changed()
            else:
                told.add(pause.key)
                await tell(pause)

    async def changed(self) -> None:
        """Return at the next change. Raises Abandoned when nobody may wait any longer."""
        if not self._is_closed:
            await self._news.wait()
        if self._is_closed:
            raise Abandoned

    def close(self) -> None:
        """Before a drain: whoever waits, or comes from now on, gets Abandoned."""
        self._is_closed = True
        self._wake()

    def reopen(self) -> None:
        """After a drain: back to normal."""
        self._is_closed = False

    @property
    def in_force(self) -> int:
        """How many there are; those of replays hold no live command, and each replay's own status tells them."""
        return sum(control.replay_id is None for control in self._in_force.values())

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def waiting(command: RoutedCommand, pause: LaneControl, *, taken_at: datetime, now: datetime, worker: str) -> Outcome:
    """The news of a command that a pause holds: its row shows who paused it and why, and stays PENDING."""
    why = f": {pause.reason}" if pause.reason else ""
    return Outcome(
        command_id=command.command_id,
        command_type=command.command_type,
        kind=OutcomeKind.WAITING,
        identity=command.identity,
        error_code=PAUSED,
        error=f"paused by {pause.by} at {pause.happened_at:%Y-%m-%dT%H:%M:%SZ}{why}",
        stages={
            "created": command.created_at,
            "captured": command.captured_at,
            "routed": command.routed_at,
            "taken": taken_at,
        },
        worker=worker,
        happened_at=now,
    )
