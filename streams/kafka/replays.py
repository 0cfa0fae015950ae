"""How a command is delivered once more: a RoutedCommand on the topic `replays.<identity>`, and headers that say why.

The topic has as many partitions as `commands.<identity>` and is read by the same workers: partition n of both is always
in one worker, so what is replayed and what is live share their lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from streams.messages import RoutedCommand

_ID, _SHARE, _REDRIVE = "replay_id", "replay_share", "redrive"
DEFAULT_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One replay as its records name it.

    `share`: the part of the window that its commands may take, 0 to 1. `is_redrive`: a command that has FAILED is tried
    again, and its row may leave FAILED; otherwise it keeps its end.
    """

    replay_id: str
    share: float = DEFAULT_SHARE
    is_redrive: bool = False

    def headers(self, command: RoutedCommand) -> dict[str, str]:
        """Of the record of a command."""
        named = {"command_id": command.command_id, _ID: self.replay_id, _SHARE: f"{self.share:g}"}
        return {**named, _REDRIVE: "true"} if self.is_redrive else named


def replay_of(headers: Mapping[str, bytes] | Iterable[tuple[str, bytes]] | None) -> Replay:
    """What the headers of a record say. What they do not say is nothing that lets more through."""
    told = {name: value.decode(errors="replace") for name, value in dict(headers or ()).items() if value is not None}
    share = DEFAULT_SHARE
    with suppress(ValueError):
        share = min(1.0, max(0.0, float(told.get(_SHARE, ""))))
    return Replay(replay_id=told.get(_ID, ""), share=share, is_redrive=told.get(_REDRIVE) == "true")
