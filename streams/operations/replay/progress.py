"""How far replays have come, and whether they shall pause: the newest records of the topic `controls`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confluent_kafka import Message

from streams.errors import PipelineError, UnknownSchema, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.lag import stretches
from streams.kafka.ranges import Tail
from streams.kafka.topics import CONTROLS
from streams.operations.audit import append
from streams.operators import LaneControl, ReplayProgress


@dataclass(slots=True)
class Controls:
    """The topic as it was read last. A context manager by its tail."""

    tail: Tail
    progress: dict[str, ReplayProgress] = field(default_factory=dict)
    is_paused: dict[str, bool] = field(default_factory=dict)

    def look(self) -> None:
        """Read what is new. Raises KafkaException."""
        for message in self.tail.news():
            self._note(message)

    def of(self, replay_id: str) -> ReplayProgress:
        """Raises PipelineError if there is no such replay."""
        if replay_id not in self.progress:
            raise PipelineError(f"there is no replay {replay_id}; see: streams replay status")
        return self.progress[replay_id]

    def by_plan(self, plan_id: str) -> ReplayProgress | None:
        """The replay that executes, or has executed, a plan."""
        return next((one for one in self.progress.values() if one.plan_id == plan_id), None)

    def _note(self, message: Message) -> None:
        try:
            if (message.key() or b"").startswith(b"replay/"):
                progress = codecs.REPLAY_PROGRESS.decode(message.value())
                self.progress[progress.replay_id] = progress
                return
            control = codecs.LANE_CONTROLS.decode(message.value())
        except (UnreadableMessage, UnknownSchema):
            return  # another kind of control
        if control.replay_id is not None and set(control.selector) == {"replay_id"}:
            self.is_paused[control.replay_id] = control.is_paused


def read_controls(bootstrap_servers: str) -> Controls:
    """Everything the topic tells now; close its `tail`. Raises KafkaException."""
    held = stretches(bootstrap_servers, CONTROLS)
    controls = Controls(Tail(bootstrap_servers, CONTROLS, {p: stretch.first for p, stretch in held.items()}))
    controls.look()
    return controls


def newest_first(controls: Controls) -> Iterator[ReplayProgress]:
    """Every replay that is known of."""
    yield from sorted(controls.progress.values(), key=lambda one: one.started_at, reverse=True)


def tell_progress(bootstrap_servers: str, progress: ReplayProgress) -> None:
    """Returns when the brokers have it. Raises KafkaException."""
    append(bootstrap_servers, CONTROLS, [(progress.key.encode(), codecs.REPLAY_PROGRESS.encode(progress), {})])


def tell_pause(bootstrap_servers: str, replay_id: str, *, is_paused: bool, by: str, reason: str) -> None:
    """Hold a replay or let it go: what publishes it, and what it has delivered. Raises KafkaException."""
    control = LaneControl(replay_id=replay_id, is_paused=is_paused, reason=reason, by=by, happened_at=datetime.now(UTC))
    append(bootstrap_servers, CONTROLS, [(control.key.encode(), codecs.LANE_CONTROLS.encode(control), {})])
