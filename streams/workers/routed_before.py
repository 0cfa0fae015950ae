"""Commands that were routed or refused already: a decision that a second delivery must not take again.

An event comes twice after a crash of the worker or of Kafka Connect. If the table of routes was changed in between,
the second decision could be another one: another identity, and so another transaction id for the same command.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from streams.kafka import codecs
from streams.kafka.reading import decoded_since
from streams.kafka.topics import DEAD_LETTERS, RETENTION, commands_topic
from streams.messages import ChangeEvent

LOOK_BACK = timedelta(minutes=10)
"""Rows are seen in the order of their commits, which may be somewhat behind the order of their creation."""

REMEMBERED = 200_000
"""Command ids; Connect repeats at most what it sent since it last stored its offset, some seconds' worth."""


class RoutedBefore:
    """The last command ids that a decision was taken about, of decisions taken after `since`."""

    def __init__(self, command_ids: Iterable[str], since: datetime) -> None:
        self.since = since
        self._ids: OrderedDict[str, None] = OrderedDict()
        for command_id in command_ids:
            self.note(command_id)

    def note(self, command_id: str) -> None:
        """What became of the command is with the brokers."""
        self._ids[command_id] = None
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)

    def __contains__(self, command_id: str) -> bool:
        return command_id in self._ids


def look_back_to(change: ChangeEvent) -> datetime:
    """From when on the topics may hold what was decided about this row and those after it.

    A row may carry any time of creation, also the first of all times; beyond their retention the topics hold nothing.
    """
    created_at = min(change.command.created_at, change.captured_at)
    return max(created_at, change.captured_at - RETENTION) - LOOK_BACK


def read_routed(bootstrap_servers: str, identities: Iterable[str], since: datetime) -> RoutedBefore:
    """What the topics of the commands and of the dead letters hold since then. Blocks. Raises KafkaException."""
    return RoutedBefore(_command_ids(bootstrap_servers, identities, since), since)


def _command_ids(bootstrap_servers: str, identities: Iterable[str], since: datetime) -> Iterator[str]:
    for topic in map(commands_topic, identities):
        for routed in decoded_since(bootstrap_servers, topic, codecs.ROUTED_COMMANDS, since):
            yield routed.command_id
    for letter in decoded_since(bootstrap_servers, DEAD_LETTERS, codecs.DEAD_LETTERS, since):
        if letter.command_id is not None:
            yield letter.command_id
