"""What operators do, as messages: an action for the record, a lane held or let go, a dead letter dealt with.

OperatorAction and LetterResolution are records of the topic `operator-actions`, LaneControl of `controls`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from streams.messages import Origin, RoutedCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAction:
    """Who did what, when and why; written before its first effect.

    `action` is the verb of the tool: replay, redrive, discard, edit, repair, pause, resume, ...; `flags` are the
    options it was called with, `counts` what it was about to change, by kind.
    """

    action_id: str
    action: str
    by: str
    happened_at: datetime
    flags: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneControl:
    """Commands that are held (`is_paused`) or let go again; the newest record of each selector counts.

    A command is selected if everything that is named is its own; a control that names nothing selects all. With a
    `replay_id` only what that replay delivered is selected.
    """

    identity: str | None = None
    command_type: str | None = None
    tenant_id: str | None = None
    ordering_key: str | None = None
    replay_id: str | None = None
    is_paused: bool
    reason: str
    by: str
    happened_at: datetime

    @property
    def selector(self) -> dict[str, str]:
        """What is named, by field."""
        named = {
            "identity": self.identity,
            "command_type": self.command_type,
            "tenant_id": self.tenant_id,
            "ordering_key": self.ordering_key,
            "replay_id": self.replay_id,
        }
        return {name: value for name, value in named.items() if value is not None}

    @property
    def key(self) -> str:
        """The selector as one text, the same for the same selector: the key of the record."""
        return json.dumps(self.selector, sort_keys=True, separators=(",", ":"))

    def selects(self, command: RoutedCommand, replay_id: str | None = None) -> bool:
        """Whether it is about this command, delivered by this replay (None: not by a replay)."""
        return (
            self.identity in (None, command.identity)
            and self.command_type in (None, command.command_type)
            and self.tenant_id in (None, command.tenant_id)
            and self.ordering_key in (None, command.ordering_key)
            and self.replay_id in (None, replay_id)
        )


class Resolution(StrEnum):
    """What an operator did about a dead letter.

    redriven: its command was given to the workers once more. edited: with another payload, as a new revision.
    discarded: its command is given up. dealt with: its command, if it is of one, had ended; somebody has seen to it.
    """

    REDRIVEN = "redriven"
    EDITED = "edited"
    DISCARDED = "discarded"
    DEALT_WITH = "dealt_with"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterResolution:
    """One dead letter is dealt with.

    `letter` is the address of the letter itself on the topic `dead-letters`. `revision` is the revision of the command
    that the letter is about; of an edited one, the revision that replaces it is the next.
    """

    action_id: str
    resolution: Resolution
    letter: Origin
    command_id: str | None = None
    revision: int = 0
    identity: str | None = None
    reason: str
    by: str
    happened_at: datetime


class ReplayState(StrEnum):
    """running: something publishes it, or has died while it did. finished: everything is published."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayProgress:
    """How far the publishing of a plan has come; a record of the topic `controls`, the newest per replay is kept.

    `handled` of the plan's `planned` commands are dealt with: `published`, `changed` (there is a newer outcome than the
    plan knew, so they were left out) or `gone` (their record is not there any more; `gone_ids` names the first).
    `plan_file` is a path on the machine of `worker`, the process that publishes.
    `share` of the window, 0 to 1; `rate`: commands a second, None: as fast as it goes.
    """

    replay_id: str
    plan_id: str
    plan_file: str
    state: ReplayState
    by: str
    worker: str
    share: float
    rate: float | None = None
    planned: int
    handled: int
    published: int
    changed: int
    gone: int
    gone_ids: tuple[str, ...] = ()
    started_at: datetime
    happened_at: datetime

    @property
    def key(self) -> str:
        """Of the record."""
        return f"replay/{self.replay_id}"
