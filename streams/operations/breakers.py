"""How the breakers stand, as the workers have told: the newest word of each that is not gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from confluent_kafka import Message

from streams.kafka.codecs import BREAKERS as CODEC
from streams.kafka.reading import decoded, read_since
from streams.kafka.topics import BREAKERS
from streams.messages import BreakerChange

GONE_AFTER = timedelta(days=1)
"""A worker tells every hour; one that ends says so, one that was killed under a name of its own does not."""


def breakers(bootstrap_servers: str) -> list[BreakerChange]:
    """By identity and worker. Raises confluent_kafka.KafkaException."""
    return newest(read_since(bootstrap_servers, BREAKERS, datetime.now(UTC) - GONE_AFTER))


def newest(records: Iterable[Message]) -> list[BreakerChange]:
    """What the last record of each key says; one without a value says that there is no such worker."""
    last = {record.key(): record for record in records}
    changes = decoded((record for record in last.values() if record.value() is not None), CODEC)
    return sorted(changes, key=lambda change: (change.identity, change.worker))
