"""How the breakers stand, as the workers have told: the newest word of each."""

from __future__ import annotations

from streams.kafka import codecs
from streams.kafka.reading import EPOCH, decoded_since
from streams.kafka.topics import BREAKERS
from streams.messages import BreakerChange


def breakers(bootstrap_servers: str) -> list[BreakerChange]:
    """By identity and worker. Raises confluent_kafka.KafkaException."""
    newest: dict[tuple[str, str], BreakerChange] = {}
    for change in decoded_since(bootstrap_servers, BREAKERS, codecs.BREAKERS, EPOCH):
        newest[change.identity, change.worker] = change
    return [newest[key] for key in sorted(newest)]
