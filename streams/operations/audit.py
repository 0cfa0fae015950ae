"""The record of what operators do: topic `operator-actions`, kept for a year."""

from __future__ import annotations

import getpass
import socket
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from confluent_kafka import KafkaException, Producer

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import OPERATOR_ACTIONS
from streams.operators import OperatorAction

DELIVERY_TIMEOUT_S = 15.0


def acting(configured: str | None) -> str:
    """Who acts: STREAMS_OPERATOR (`ToolSettings.operator`), else `<user>@<host>`."""
    return configured or f"{_user()}@{socket.gethostname()}"


def new_action(
    action: str,
    *,
    by: str,
    flags: Mapping[str, str] | None = None,
    counts: Mapping[str, int] | None = None,
    reason: str = "",
) -> OperatorAction:
    """An action of this moment, with an id of its own."""
    return OperatorAction(
        action_id=str(uuid.uuid4()),
        action=action,
        by=by,
        happened_at=datetime.now(UTC),
        flags=flags or {},
        counts=counts or {},
        reason=reason,
    )


def record(bootstrap_servers: str, action: OperatorAction) -> None:
    """Returns when the brokers have it; whoever acts writes this first. Raises confluent_kafka.KafkaException."""
    append(
        bootstrap_servers, OPERATOR_ACTIONS, [(action.action_id.encode(), codecs.OPERATOR_ACTIONS.encode(action), {})]
    )


def append(bootstrap_servers: str, topic: str, records: list[tuple[bytes | None, bytes, Mapping[str, str]]]) -> None:
    """(key, value, headers) each, in their order. Returns when the brokers have all; raises KafkaException."""
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "linger.ms": 0, "log_level": 0}
    )
    failures: list[object] = []
    for key, value, headers in records:
        producer.produce(
            topic,
            key=key,
            value=value,
            headers={name: text.encode() for name, text in headers.items()},
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        producer.poll(0)
    if producer.flush(DELIVERY_TIMEOUT_S) or failures:
        raise KafkaException(f"{topic}: not every record was taken: {failures[0] if failures else 'no answer in time'}")


def actions(bootstrap_servers: str, since: datetime) -> Iterator[OperatorAction]:
    """What was done since then, the oldest first. Raises confluent_kafka.KafkaException."""
    for message in read_since(bootstrap_servers, OPERATOR_ACTIONS, since):
        try:
            yield codecs.OPERATOR_ACTIONS.decode(message.value())
        except UnreadableMessage:
            continue  # the topic also tells which dead letters were dealt with


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
