"""How the breakers stand, as the workers have told: the newest word of each."""

from __future__ import annotations

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import EPOCH, origin_of, read_since
from streams.kafka.topics import BREAKERS
from streams.messages import BreakerChange
from streams.telemetry import Event, logger


def breakers(bootstrap_servers: str) -> list[BreakerChange]:
    """By identity and worker. Raises confluent_kafka.KafkaException."""
    newest: dict[tuple[str, str], BreakerChange] = {}
    for message in read_since(bootstrap_servers, BREAKERS, EPOCH):
        try:
            change = codecs.BREAKERS.decode(message.value())
        except UnreadableMessage as error:
            logger().error(Event.MESSAGE_UNREADABLE, origin=str(origin_of(message)), cause=str(error))
            continue
        newest[change.identity, change.worker] = change
    return [newest[key] for key in sorted(newest)]
