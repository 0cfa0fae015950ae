"""Which consumer group reads which topic: the line, as Kafka sees it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

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


@cache
def _admin(bootstrap_servers: str) -> AdminClient:
    """One for the process: whoever waits for a group asks often."""
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def has_members(bootstrap_servers: str, group: str) -> bool:
    """The group is stable and somebody reads. Raises confluent_kafka.KafkaException if Kafka does not answer."""
    described = _admin(bootstrap_servers).describe_consumer_groups([group], request_timeout=TIMEOUT_S)[group].result()
    return bool(described.state == ConsumerGroupState.STABLE and described.members)
