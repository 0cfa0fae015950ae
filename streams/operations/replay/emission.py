"""Asking Debezium to emit rows, by a signal; and waiting for their events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from confluent_kafka import Message

from streams.kafka.lag import stretches
from streams.kafka.ranges import Tail
from streams.operations.audit import append
from streams.operations.replay.scan import Tell
from streams.postgres.profiles import Profile
from streams.postgres.rows import emitting

ARRIVES_WITHIN_S = 60.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """`command_id_of`: of a change event, None if it cannot be read. `total`: rows, for whoever watches."""

    bootstrap_servers: str
    topic_prefix: str
    profile: Profile
    command_id_of: Callable[[Message], str | None]
    total: int
    tell: Tell

    def run(self, batches: Iterator[list[str]]) -> int:
        """Signal each batch, and wait for its events; how many rows have come. Raises KafkaException."""
        topic, arrived = self.profile.cdc_topic(self.topic_prefix), 0
        held = stretches(self.bootstrap_servers, topic)
        with Tail(self.bootstrap_servers, topic, {p: stretch.end for p, stretch in held.items()}) as tail:
            for batch in batches:
                self._signal(batch)
                arrived += self._await(tail, set(batch), arrived)
        return arrived

    def _signal(self, command_ids: Sequence[str]) -> None:
        """Ask for these rows. The key of the record is the prefix of the connector's topics."""
        table = f"{self.profile.schema}.{self.profile.table}"
        value = {
            "id": str(uuid.uuid4()),
            "type": "execute-snapshot",
            "data": {
                "type": "BLOCKING",
                "data-collections": [table],
                "additional-conditions": [{"data-collection": table, "filter": emitting(self.profile, command_ids)}],
            },
        }
        key, topic = self.topic_prefix.encode(), signal_topic(self.topic_prefix)
        append(self.bootstrap_servers, topic, [(key, json.dumps(value).encode(), {})])

    def _await(self, tail: Tail, wanted: set[str], arrived: int) -> int:
        """How many of these have come, when all have or nothing comes any more."""
        count, due_at = len(wanted), time.monotonic() + ARRIVES_WITHIN_S
        while wanted and time.monotonic() < due_at:
            for message in tail.news():
                command_id = self.command_id_of(message)
                if command_id in wanted:
                    wanted.discard(command_id)
                    due_at = time.monotonic() + ARRIVES_WITHIN_S
            self.tell("events", arrived + count - len(wanted), self.total)
            time.sleep(POLL_S if wanted else 0)
        return count - len(wanted)


def signal_topic(topic_prefix: str) -> str:
    """As `connectors/outbox.json` is filled in."""
    return f"{topic_prefix}.cdc.signals"
