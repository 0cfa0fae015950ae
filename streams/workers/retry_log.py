"""Retries in the log: each cause at once when it first occurs, then once a minute with a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from streams.errors import LedgerError
from streams.messages import RoutedCommand
from streams.retry import Verdict
from streams.telemetry import Event, logger

EVERY_S = 60.0


class RetryLog:
    """Told of every error of the ledger; an outage with hundreds of commands in flight is a line a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said_at: dict[str, float] = {}
        self._since: Counter[str] = Counter()

    def notice(self, command: RoutedCommand, error: LedgerError, decision: Verdict) -> None:
        """Log it, or count it. Refusals are told with their dead letter, conflicts are the ledger's everyday work."""
        if decision in (Verdict.GIVE_UP, Verdict.NEW_TRANSACTION):
            return
        now, code = self._clock(), str(error.code)
        self._since[code] += 1
        if now - self._said_at.get(code, -EVERY_S) < EVERY_S:
            return
        logger().warning(
            Event.COMMAND_RETRIED,
            command_id=command.command_id,
            verdict=decision,
            code=code,
            cause=str(error),
            times=self._since.pop(code),
        )
        self._said_at[code] = now
