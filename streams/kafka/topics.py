"""The topics of the line, and their creation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from streams.errors import StackFailed

RESULTS = "results"
DEAD_LETTERS = "dead-letters"
BREAKERS = "breakers"
CONTROLS = "controls"
OPERATOR_ACTIONS = "operator-actions"
COMMANDS_PREFIX = "commands."
REPLAYS_PREFIX = "replays."

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""The largest record, the connector's included (connectors/outbox.json): a payload of 1 MiB fits, whatever is escaped
in it."""

MAX_DEAD_LETTER_BYTES = 4 * MAX_MESSAGE_BYTES
"""Of a dead letter: it holds a record whole, the record's key twice, and a cause that may quote it."""

# Dead letters must live at least as long as commands and change events: they tell which commands have failed
# (streams/workers/book.py). connectors/outbox.json has the same retention for change events.
RETENTION = timedelta(days=14)
ACTIONS_RETENTION = timedelta(days=365)


def commands_topic(identity: str) -> str:
    """The topic of the commands that `identity` signs."""
    return COMMANDS_PREFIX + identity


def replays_topic(identity: str) -> str:
    """The topic of what is delivered to the workers of `identity` once more; partitioned as that of its commands."""
    return REPLAYS_PREFIX + identity


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that we own: name, number of partitions, size of the largest record.

    `is_compacted`: it keeps the newest record of each key.
    """

    name: str
    partitions: int
    max_message_bytes: int = MAX_MESSAGE_BYTES
    is_compacted: bool = False
    retention: timedelta = RETENTION

    @property
    def config(self) -> dict[str, str]:
        """As Kafka names it."""
        kept = (
            {"cleanup.policy": "compact"}
            if self.is_compacted
            else {"retention.ms": str(self.retention // timedelta(milliseconds=1))}
        )
        return {"max.message.bytes": str(self.max_message_bytes), **kept}


def line_topics(identities: Iterable[str], cdc_topic: str, command_partitions: int) -> list[Topic]:
    """Every topic of the line. Change events have one partition: the order of the log is kept up to routing."""
    by_identity = [topic for identity in identities for topic in (commands_topic(identity), replays_topic(identity))]
    return [
        Topic(cdc_topic, 1),
        *(Topic(topic, command_partitions) for topic in by_identity),
        Topic(RESULTS, command_partitions),
        Topic(DEAD_LETTERS, 1, MAX_DEAD_LETTER_BYTES),
        Topic(BREAKERS, 1, is_compacted=True),
        Topic(CONTROLS, 1, is_compacted=True),
        Topic(OPERATOR_ACTIONS, 1, retention=ACTIONS_RETENTION),
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
