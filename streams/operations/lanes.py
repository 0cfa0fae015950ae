"""Pausing commands and letting them go: records of the compacted topic `controls`, which submit workers follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import EPOCH, read_since
from streams.kafka.topics import CONTROLS
from streams.operations.audit import Writer, new_action
from streams.operators import LaneControl


def pauses(bootstrap_servers: str) -> list[LaneControl]:
    """Those in force, the oldest first. Raises confluent_kafka.KafkaException or UnknownSchema."""
    newest = {control.key: control for control in said(bootstrap_servers, EPOCH)}
    in_force = (control for control in newest.values() if control.is_paused)
    return sorted(in_force, key=lambda control: control.happened_at)


def said(bootstrap_servers: str, since: datetime) -> Iterator[LaneControl]:
    """What was said since then, in its order; of what is older perhaps only the newest of each key.

    Raises confluent_kafka.KafkaException or UnknownSchema.
    """
    for message in read_since(bootstrap_servers, CONTROLS, since):
        try:
            yield codecs.LANE_CONTROLS.decode(message.value())
        except UnreadableMessage:
            continue  # how far replays have come is told on the same topic; what is nobody's the workers log


def pause(bootstrap_servers: str, control: LaneControl) -> None:
    """Hold what `control` selects. Returns when the brokers have it; the workers follow within a second.

    Raises confluent_kafka.KafkaException.
    """
    _say(bootstrap_servers, "pause", [control])


def resume(bootstrap_servers: str, controls: Iterable[LaneControl]) -> None:
    """Let go what they select (`is_paused` is False). Raises confluent_kafka.KafkaException."""
    _say(bootstrap_servers, "resume", list(controls))


def _say(bootstrap_servers: str, action: str, controls: list[LaneControl]) -> None:
    """The record of each action comes first: nothing is paused that nobody can account for."""
    writer = Writer(bootstrap_servers)
    for control in controls:
        writer.record(new_action(action, by=control.by, flags=control.selector, reason=control.reason))
    say(writer, controls)


def say(writer: Writer, controls: Iterable[LaneControl]) -> None:
    """Without a record of its own: they are part of an action that has one."""
    writer.append(CONTROLS, [(control.key.encode(), codecs.LANE_CONTROLS.encode(control), {}) for control in controls])
