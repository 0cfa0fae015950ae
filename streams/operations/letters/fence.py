"""While an operator decides about a command, no worker may start it: its key is paused, and it is in nobody's hands.

The pauses are those of `streams lanes`, with the action as their reason; if this process dies they stay, and are listed
and lifted there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.in_hand import unacknowledged
from streams.kafka.topics import commands_topic, replays_topic
from streams.messages import RoutedCommand
from streams.operations import lanes
from streams.operations.audit import Writer
from streams.operators import LaneControl, OperatorAction

TAKES_EFFECT_S = 1.5
"""What is paused, let go or decided is known to every worker within a second."""


@contextmanager
def fenced(bootstrap_servers: str, commands: Iterable[RoutedCommand], action: OperatorAction) -> Iterator[set[str]]:
    """Pause the keys of the commands; the ids of those that a worker has in hand all the same.

    When the context is left, what was decided in it takes effect before the keys are let go. One that an operator has
    paused meanwhile, or just before, stays paused as the operator said.
    """
    began_at = datetime.now(UTC)
    commands = list(commands)
    paused = {found.key for found in lanes.pauses(bootstrap_servers)}
    controls = {control.key: control for control in (_control(command, action) for command in commands)}
    ours = [control for key, control in controls.items() if key not in paused]
    writer = Writer(bootstrap_servers)
    lanes.say(writer, ours)
    try:
        time.sleep(TAKES_EFFECT_S)
        yield in_hand(bootstrap_servers, commands)
        time.sleep(TAKES_EFFECT_S)
    finally:
        lanes.say(writer, _what_else_holds(bootstrap_servers, ours, began_at))


def _what_else_holds(bootstrap_servers: str, ours: list[LaneControl], since: datetime) -> list[LaneControl]:
    """What stands in the place of our pauses: the newest that somebody else has said of the key, or that it is free."""
    reasons = {control.reason for control in ours}
    others = {control.key: control for control in lanes.said(bootstrap_servers, since) if control.reason not in reasons}
    now = datetime.now(UTC)
    left = []
    for control in ours:
        other = others.get(control.key)
        free = replace(control, is_paused=False, happened_at=now)
        left.append(other if other is not None and other.is_paused else free)
    return left


def in_hand(bootstrap_servers: str, commands: Iterable[RoutedCommand]) -> set[str]:
    """Those of the commands that were delivered to a worker, or will be, and are not acknowledged."""
    wanted: dict[str, set[str]] = {}
    for command in commands:
        wanted.setdefault(command.identity, set()).add(command.command_id)
    found = set()
    for identity, command_ids in wanted.items():
        topics = (commands_topic(identity), replays_topic(identity))
        for message in unacknowledged(bootstrap_servers, submit_group(identity), topics):
            try:
                command_id = codecs.ROUTED_COMMANDS.decode(message.value()).command_id
            except UnreadableMessage:
                continue  # its worker makes a dead letter of it
            if command_id in command_ids:
                found.add(command_id)
    return found


def _control(command: RoutedCommand, action: OperatorAction) -> LaneControl:
    return LaneControl(
        identity=command.identity,
        ordering_key=command.ordering_key,
        is_paused=True,
        reason=f"{action.action} {action.action_id} is under way",
        by=action.by,
        happened_at=datetime.now(UTC),
    )
