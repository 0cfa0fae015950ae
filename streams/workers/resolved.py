"""What operators decided about commands that have a dead letter, as a worker knows it."""

from __future__ import annotations

from datetime import datetime

from streams.endings import given_up
from streams.messages import Outcome, RoutedCommand
from streams.operators import LetterResolution, Resolution

_GIVEN_UP = frozenset({Resolution.DISCARDED, Resolution.EDITED})


class Resolved:
    """The newest resolution of each command.

    A revision that is discarded or replaced by a later one is never submitted again, and holds nobody back.
    """

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._newest: dict[str, LetterResolution] = {}

    def note(self, resolution: LetterResolution) -> None:
        """What was decided; of an earlier revision than the last it is no news.

        A revision that is given up stays so: who redrives it all the same decided by older news.
        """
        if resolution.command_id is None or resolution.identity not in (None, self._identity):
            return
        known = self._newest.get(resolution.command_id)
        if known is not None:
            is_final = known.resolution in _GIVEN_UP
            if resolution.revision < known.revision or (is_final and resolution.revision == known.revision):
                return
        self._newest[resolution.command_id] = resolution

    def is_given_up(self, command: RoutedCommand) -> bool:
        """This revision of the command is not to be submitted."""
        newest = self._newest.get(command.command_id)
        if newest is None or command.revision > newest.revision:
            return False
        return command.revision < newest.revision or newest.resolution in _GIVEN_UP

    def outcome(self, command: RoutedCommand, now: datetime, worker: str) -> Outcome | None:
        """How a command ends that is delivered although it is given up.

        None: a later revision stands for it, and its row is that one's.
        """
        newest = self._newest[command.command_id]
        if command.revision != newest.revision or newest.resolution is not Resolution.DISCARDED:
            return None
        return given_up(command, newest, now, worker)
