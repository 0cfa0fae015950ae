"""Which consumer group reads which topic: the line, as Kafka sees it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient, GroupMetadata

from streams.kafka.topics import RESULTS, commands_topic, replays_topic

TIMEOUT_S = 2.0
_STABLE = "Stable"

ROUTE = "route"
WRITE_BACK = "write-back"

COMMITTED_LATER = frozenset(
    {
        # The partitions are somebody else's now, who reads again.
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError._NO_OFFSET,
        # The broker is away, or has just come back; the next turn of the loop tries again.
        KafkaError._WAIT_COORD,
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""What a commit of offsets may end with, and another one shall follow."""


def submit_group(identity: str) -> str:
    """The consumer group of an identity's workers."""
    return f"submit.{identity}"


def line_groups(identities: Iterable[str], cdc_topic: str) -> dict[str, str]:
    """Group -> topic, in the order of the line; what operators have delivered once more is in `replay_groups`."""
    return {
        ROUTE: cdc_topic,
        **{submit_group(identity): commands_topic(identity) for identity in identities},
        WRITE_BACK: RESULTS,
    }


def replay_groups(identities: Iterable[str]) -> dict[str, str]:
    """Group -> the topic that it reads beside its own of `line_groups`."""
    return {submit_group(identity): replays_topic(identity) for identity in identities}


@cache
def _admin(bootstrap_servers: str) -> AdminClient:
    """One for the process: whoever waits for a group asks often."""
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def count_members(bootstrap_servers: str, group: str) -> int:
    """How many read in the group, whatever its state; 0 if there is no such group. Raises as `has_members`."""
    return sum(len(found.members) for found in _described(bootstrap_servers, group))


def has_members(bootstrap_servers: str, group: str) -> bool:
    """The group is stable and somebody reads. Raises confluent_kafka.KafkaException if Kafka does not answer."""
    return any(found.state == _STABLE and found.members for found in _described(bootstrap_servers, group))


def _described(bootstrap_servers: str, group: str) -> list[GroupMetadata]:
    # Not describe_consumer_groups: librdkafka 2.16 aborts the whole process ("Assertion `eonce->refcnt > 0' failed")
    # when the broker dies while it asks.
    described: list[GroupMetadata] = _admin(bootstrap_servers).list_groups(group, timeout=TIMEOUT_S)
    return described
