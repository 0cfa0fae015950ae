"""Reading planned records again, each at its address, for publishing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.errors import RefusedCommand, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.ranges import consumer_outside_groups
from streams.kafka.reading import READ_TIMEOUT_S, origin_of
from streams.messages import RoutedCommand
from streams.operations.replay.plan import Entry
from streams.postgres.profiles import Profile
from streams.routes.table import Routes
from streams.stages.capture import capture
from streams.stages.route import route

NEAR = 1000
"""Records: so far it is quicker to read on than to seek."""
POLL_S = 0.5


@dataclass(slots=True)
class Again:
    """A context manager: one consumer, which reads on while the next record is near."""

    bootstrap_servers: str
    cdc_topic: str
    routes: Routes
    profile: Profile
    _consumer: Consumer = field(init=False)
    _at: TopicPartition | None = field(default=None, init=False)

    def __enter__(self) -> Again:
        self._consumer = consumer_outside_groups(self.bootstrap_servers)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._consumer.close()

    def commands(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, RoutedCommand | None]]:
        """Each with its command; None: the record is not there any more, as the brokers say.

        Raises KafkaException when they do not say: silence proves nothing, and the command must not be left out.
        """
        for entry in entries:
            message = self._message(entry)
            yield entry, None if message is None else self._command(message, entry)

    def _command(self, message: Message, entry: Entry) -> RoutedCommand | None:
        try:
            if entry.topic == self.cdc_topic:
                change = capture(message.value(), origin=origin_of(message), columns=self.profile.columns)
                command = route(change, self.routes, routed_at=datetime.now(UTC))
            else:
                command = codecs.ROUTED_COMMANDS.decode(message.value())
        except (UnreadableMessage, RefusedCommand):
            return None
        is_same = (command.command_id, command.revision) == (entry.command_id, entry.revision)
        return replace(command, identity=entry.identity or command.identity) if is_same else None

    def _message(self, entry: Entry) -> Message | None:
        at = self._at
        is_near = (
            at is not None
            and (at.topic, at.partition) == (entry.topic, entry.partition)
            and 0 <= entry.offset - at.offset <= NEAR
        )
        if not is_near:
            self._consumer.assign([TopicPartition(entry.topic, entry.partition, entry.offset)])
        due_at = time.monotonic() + READ_TIMEOUT_S
        while time.monotonic() < due_at:
            message = self._consumer.poll(POLL_S)
            if message is None:
                if self._is_gone(entry):
                    return None
                continue
            if message.error() is not None:
                continue  # the next poll tells how it went on, or the time is over
            due_at = time.monotonic() + READ_TIMEOUT_S
            offset = message.offset() or 0
            self._at = TopicPartition(entry.topic, entry.partition, offset + 1)
            if offset >= entry.offset:
                return message if offset == entry.offset else None
        self._at = None
        raise KafkaException(f"{_place(entry)} did not arrive within {READ_TIMEOUT_S:.0f} s")

    def _is_gone(self, entry: Entry) -> bool:
        """Whether its partition does not reach so far back, or not so far, any more. Raises KafkaException."""
        at = TopicPartition(entry.topic, entry.partition)
        first, end = self._consumer.get_watermark_offsets(at, timeout=READ_TIMEOUT_S)
        self._at = None
        return not first <= entry.offset < end


def _place(entry: Entry) -> str:
    return f"{entry.topic}[{entry.partition}]@{entry.offset}"
