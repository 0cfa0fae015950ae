"""What a carrier is given, and where it puts what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streams.endings import Source
from streams.kafka.replays import Replay
from streams.lanes import Token
from streams.messages import DeadLetter, Outcome, RoutedCommand
from streams.workers.book import Book


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
    """A record that is no command of ours, as a dead letter; `traceparent` is the trace context that it carried."""

    letter: DeadLetter
    token: Token
    traceparent: str | None = None
