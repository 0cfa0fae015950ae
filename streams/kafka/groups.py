"""Which consumer group reads which topic: the line, as Kafka sees it."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from streams.kafka.topics import RESULTS, commands_topic

TIMEOUT_S = 5.0

ROUTE = "route"
WRITE_BACK = "write-back"


def submit_group(identity: str) -> str:
    """The consumer group of an identity's workers."""
    return f"submit.{identity}"


def line_groups(identities: Iterable[str], cdc_topic: str) -> dict[str, str]:
    """Group -> topic, in the order of the line."""
    return {
        ROUTE: cdc_topic,
        **{submit_group(identity): commands_topic(identity) for identity in identities},
        WRITE_BACK: RESULTS,
    }


def has_members(bootstrap_servers: str, group: str) -> bool:
    """The group is stable and somebody reads. Raises confluent_kafka.KafkaException if Kafka does not answer."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    described = admin.describe_consumer_groups([group], request_timeout=TIMEOUT_S)[group].result()
    return bool(described.state == ConsumerGroupState.STABLE and described.members)
