"""The record of what operators do: topic `operator-actions`, kept for a year."""

from __future__ import annotations

import getpass
import socket
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from confluent_kafka import KafkaException, Producer

from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import MAX_MESSAGE_BYTES, OPERATOR_ACTIONS
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
    Writer(bootstrap_servers).record(action)


def append(
    bootstrap_servers: str, topic: str, records: Iterable[tuple[bytes | None, bytes, Mapping[str, str]]]
) -> None:
    """As `Writer.append`, once."""
    Writer(bootstrap_servers).append(topic, records)


class Writer:
    """Appends to topics on an operator's behalf; one serves a whole command of the command line."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "acks": "all",
                "max.in.flight.requests.per.connection": 1,  # keeps the order, sooner than with an idempotent producer
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "linger.ms": 0,
                "log_level": 0,
                # As the workers' producer does (aiokafka), so that all records of a key are in one partition.
                "partitioner": "murmur2_random",
            }
        )

    def record(self, action: OperatorAction) -> None:
        """As the function of this name."""
        self.append(OPERATOR_ACTIONS, [(action.action_id.encode(), codecs.OPERATOR_ACTIONS.encode(action), {})])

    def append(self, topic: str, records: Iterable[tuple[bytes | None, bytes, Mapping[str, str]]]) -> None:
        """(key, value, headers) each, in their order. Returns when the brokers have all; raises KafkaException."""
        failures: list[object] = []
        for key, value, headers in records:
            encoded = {name: text.encode() for name, text in headers.items()}
            self._producer.produce(topic, value, key, headers=encoded, on_delivery=partial(_note, failures))
            self._producer.poll(0)
        if self._producer.flush(DELIVERY_TIMEOUT_S) or failures:
            raise KafkaException(f"{topic}: not every record was taken: {(failures or ['no answer in time'])[0]}")


def _note(failures: list[object], error: object, _: object) -> None:
    if error is not None:
        failures.append(error)


def actions(bootstrap_servers: str, since: datetime) -> Iterator[OperatorAction]:
    """What was done since then, the oldest first. Raises confluent_kafka.KafkaException."""
    for message in read_since(bootstrap_servers, OPERATOR_ACTIONS, since):
        if codecs.OPERATOR_ACTIONS.wrote(message.value()):  # the topic also tells which dead letters were dealt with
            yield codecs.OPERATOR_ACTIONS.decode(message.value())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
