"""What is told of commands while an operator looks at them: who decides by older news must look again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from confluent_kafka import Message

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.lag import stretches
from streams.kafka.reading import origin_of, read_on, read_since
from streams.kafka.topics import DEAD_LETTERS, OPERATOR_ACTIONS, RESULTS, commands_topic, replays_topic
from streams.messages import Origin


@dataclass(slots=True)
class Watch:
    """Begun before the letters are read, and asked again when no worker can start their commands any more."""

    bootstrap_servers: str
    _offsets: dict[str, dict[int, int]]
    _wanted: frozenset[str] = frozenset()
    _told: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, bootstrap_servers: str, identities: Iterable[str]) -> Watch:
        """From now on. Raises confluent_kafka.KafkaException."""
        topics = [DEAD_LETTERS, OPERATOR_ACTIONS, RESULTS, *deliveries_of(identities)]
        ends = {topic: {p: at.end for p, at in stretches(bootstrap_servers, topic).items()} for topic in topics}
        return cls(bootstrap_servers, ends)

    def follow(self, command_ids: Iterable[str | None]) -> None:
        """What is told of these matters; said once, before the first question."""
        self._wanted = frozenset(command_id for command_id in command_ids if command_id is not None)

    def news(self, own_action_id: str | None = None) -> dict[str, str]:
        """What is new, by command id, except what the operator's own action did. Raises KafkaException."""
        for topic, offsets in self._offsets.items():
            for message in read_on(self.bootstrap_servers, topic, offsets):
                for command_id, what in _told(topic, message, own_action_id):
                    if command_id in self._wanted:
                        self._told[command_id] = f"{what} since you began to look: look at it again"
        return self._told


def deliveries_of(identities: Iterable[str]) -> list[str]:
    """The topics on which a command comes to a worker."""
    return [name(identity) for identity in sorted(identities) for name in (commands_topic, replays_topic)]


def delivered(
    bootstrap_servers: str, identities: Iterable[str], command_id: str, since: datetime, revision: int = 0
) -> Origin | None:
    """Where this revision of a command, or a later one, was given to a worker since then. Raises KafkaException."""
    for topic in deliveries_of(identities):
        for message in read_since(bootstrap_servers, topic, since):
            try:
                command = codecs.ROUTED_COMMANDS.decode(message.value())
            except UnreadableMessage:
                continue  # its worker makes a dead letter of it
            if command.command_id == command_id and command.revision >= revision:
                return origin_of(message)
    return None


def tried(bootstrap_servers: str, command_id: str, since: datetime) -> Origin | None:
    """Where a worker that submits told of a command since then. Raises KafkaException."""
    for message in read_since(bootstrap_servers, RESULTS, since):
        if message.key() == command_id.encode():
            try:
                outcome = codecs.OUTCOMES.decode(message.value())
            except UnreadableMessage:
                continue  # the sink makes a dead letter of it
            if outcome.identity is not None:
                return origin_of(message)
    return None


def _told(topic: str, message: Message, own_action_id: str | None) -> Iterator[tuple[str | None, str]]:
    """(command id, what is told); nothing of a record that is not ours, or is about no command."""
    try:
        if topic == DEAD_LETTERS:
            yield codecs.DEAD_LETTERS.decode(message.value()).command_id, "it has another dead letter"
        elif topic == RESULTS:
            outcome = codecs.OUTCOMES.decode(message.value())
            yield outcome.command_id, f"it was told to be {outcome.kind}"
        elif topic != OPERATOR_ACTIONS:
            yield codecs.ROUTED_COMMANDS.decode(message.value()).command_id, "it was given to its worker"
        elif codecs.LETTER_RESOLUTIONS.wrote(message.value()):
            resolution = codecs.LETTER_RESOLUTIONS.decode(message.value())
            if resolution.action_id != own_action_id:
                yield resolution.command_id, f"its letter was {resolution.resolution} by {resolution.by}"
    except UnreadableMessage:
        return  # whoever reads the topic on duty logs it
