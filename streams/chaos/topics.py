"""What the topics hold at the end: what came more than once, and what was told of a command."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from streams.errors import MalformedCommand
from streams.kafka import codecs
from streams.kafka.codecs import Codec
from streams.kafka.reading import EPOCH, origin_of, read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.local.line import Line
from streams.messages import DeadLetter, Origin, Outcome, RoutedCommand
from streams.stages.capture import capture

M = TypeVar("M", RoutedCommand, Outcome, DeadLetter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """By command id: change events and routed commands counted, outcomes and dead letters as they are."""

    events: Counter[str]
    routed: Counter[str]
    outcomes: Mapping[str, Sequence[tuple[Origin, Outcome]]]
    dead_letters: Mapping[str, Sequence[tuple[Origin, DeadLetter]]]

    @property
    def repeated_ends(self) -> int:
        """How many final outcomes came after the first of their command."""
        ends = (sum(outcome.kind in _ENDS for _, outcome in told) for told in self.outcomes.values())
        return sum(max(0, end - 1) for end in ends)


_ENDS = frozenset({"committed", "failed"})


def read_records(line: Line) -> Records:
    """Read every topic of the line to its end. Raises KafkaException."""
    commands = [c for i in line.routes.identities for _, c in _read(line, commands_topic(i), codecs.ROUTED_COMMANDS)]
    return Records(
        events=Counter(_captured(line)),
        routed=Counter(command.command_id for command in commands),
        outcomes=_by_command(_read(line, RESULTS, codecs.OUTCOMES)),
        dead_letters=_by_command(_read(line, DEAD_LETTERS, codecs.DEAD_LETTERS)),
    )


def _captured(line: Line) -> Iterator[str]:
    topic = line.profile.cdc_topic(line.stack.connector.topic_prefix)
    for message in read_since(line.stack.kafka.bootstrap_servers, topic, EPOCH):
        try:
            change = capture(message.value(), origin=origin_of(message), columns=line.profile.columns)
        except MalformedCommand:
            continue
        yield change.command.command_id


def _read(line: Line, topic: str, codec: Codec[M]) -> Iterator[tuple[Origin, M]]:
    for message in read_since(line.stack.kafka.bootstrap_servers, topic, EPOCH):
        yield origin_of(message), codec.decode(message.value())


def _by_command(messages: Iterator[tuple[Origin, M]]) -> dict[str, list[tuple[Origin, M]]]:
    found: dict[str, list[tuple[Origin, M]]] = defaultdict(list)
    for origin, message in messages:
        found[message.command_id or ""].append((origin, message))
    return found
