"""Kafka records on the way in and out of the Faust workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.endings import Source
from streams.messages import Origin
from streams.telemetry.traceparent import from_headers


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be produced."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Mapping[str, str]


def source_of(message: Any, worker: str) -> Source:
    """A Faust message as the source of a dead letter."""
    origin = Origin(topic=message.topic, partition=message.partition, offset=message.offset)
    return Source(
        origin=origin,
        key=message.key,
        value=message.value,
        worker=worker,
        traceparent=from_headers(message.headers),
    )
