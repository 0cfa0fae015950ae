"""The topics of the line, and their creation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from streams.errors import StackFailed

RESULTS = "results"
DEAD_LETTERS = "dead-letters"
BREAKERS = "breakers"
COMMANDS_PREFIX = "commands."

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Of our own topics, twice what the connector may produce: what was captured fits, whatever is added to it."""

_COMPACTED = {"cleanup.policy": "compact"}

# Dead letters must live at least as long as commands and change events: they tell which commands have failed
# (streams/workers/book.py). connectors/outbox.json has the same retention for change events.
_CONFIG = {"retention.ms": str(14 * 24 * 3600 * 1000), "max.message.bytes": str(MAX_MESSAGE_BYTES)}


def commands_topic(identity: str) -> str:
    """The topic of the commands that `identity` signs."""
    return COMMANDS_PREFIX + identity


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that we own: name and number of partitions; `is_compacted`: it keeps the newest record of each key."""

    name: str
    partitions: int
    is_compacted: bool = False

    @property
    def config(self) -> dict[str, str]:
        return _COMPACTED if self.is_compacted else _CONFIG


def line_topics(identities: Iterable[str], cdc_topic: str, command_partitions: int) -> list[Topic]:
    """Every topic of the line. Change events have one partition: the order of the log is kept up to routing."""
    return [
        Topic(cdc_topic, 1),
        *(Topic(commands_topic(identity), command_partitions) for identity in identities),
        Topic(RESULTS, command_partitions),
        Topic(DEAD_LETTERS, 1),
        Topic(BREAKERS, 1, is_compacted=True),
    ]


def create_topics(bootstrap_servers: str, topics: Iterable[Topic], replication_factor: int = 1) -> None:
    """Create what is missing. Raises StackFailed if Kafka refuses."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    wanted = [
        NewTopic(t.name, num_partitions=t.partitions, replication_factor=replication_factor, config=t.config)
        for t in topics
    ]
    for name, future in admin.create_topics(wanted, operation_timeout=30).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackFailed(f"topic {name} cannot be created: {error.args[0].str()}") from error
