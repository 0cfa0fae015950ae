"""Commands that were committed a moment ago: a second record of one must not be judged by a peer that lags behind.

A producer that repeats itself puts a command into the topic twice. The second record is endorsed anew, and a peer that
does not hold the first transaction yet runs the chaincode: it may refuse what is committed. Later every peer knows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from streams.messages import Outcome, OutcomeKind, RoutedCommand

_Call: TypeAlias = tuple[str, int, str, tuple[str, ...]]
"""With its arguments: another command under the same id is the ledger's to judge."""


class Recent:
    """The commits of the last `keep_s` seconds."""

    def __init__(self, keep_s: float, now: Callable[[], datetime]) -> None:
        self._keep, self._now = timedelta(seconds=keep_s), now
        self._commits: OrderedDict[_Call, tuple[datetime, Outcome]] = OrderedDict()

    def note(self, command: RoutedCommand, outcome: Outcome) -> None:
        """A command has ended; only commits are kept, because dead letters tell of the others."""
        if outcome.kind is OutcomeKind.COMMITTED:
            self._commits[_call(command)] = self._now(), outcome
            self._forget()

    def outcome(self, command: RoutedCommand) -> Outcome | None:
        """How the command ended, if that was a moment ago."""
        _, outcome = self._commits.get(_call(command), (None, None))
        return outcome

    def _forget(self) -> None:
        long_ago = self._now() - self._keep
        while self._commits and next(iter(self._commits.values()))[0] < long_ago:
            self._commits.popitem(last=False)


def _call(command: RoutedCommand) -> _Call:
    return command.command_id, command.revision, command.transaction_name, command.arguments
