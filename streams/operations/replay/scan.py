"""Reads the topics into the records and the history of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confluent_kafka import Message

from streams.errors import MalformedCommand, RefusedCommand, SettingsInvalid, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.groups import ROUTE, submit_group
from streams.kafka.lag import Stretch, stretches
from streams.kafka.ranges import acknowledged, offsets_at, read_range
from streams.kafka.reading import CLOCK_SKEW, origin_of
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic, replays_topic
from streams.messages import Origin
from streams.operations.history import History
from streams.operations.replay.records import Records
from streams.operations.replay.selection import Selection, meant
from streams.postgres.profiles import Profile
from streams.routes.table import Routes
from streams.stages.capture import capture
from streams.stages.route import route

Tell = Callable[[str, int, int], None]
"""(what is read, records read, records to read)"""


@dataclass(slots=True)
class Scan:
    """`taken`: up to where each topic is acknowledged by its workers; `results_end`: up to where outcomes are known."""

    bootstrap_servers: str
    selection: Selection
    routes: Routes
    profile: Profile
    cdc_topic: str
    records: Records
    history: History
    tell: Tell
    taken: dict[str, dict[int, int]] = field(default_factory=dict)
    results_end: dict[int, int] = field(default_factory=dict)
    first_at: datetime | None = None
    _captured_from: Mapping[int, int] | None = None

    def run(self) -> None:
        """Read everything. Raises KafkaException, SettingsInvalid."""
        identities = sorted(self.selection.identities & set(self.routes.identities) or self.routes.identities)
        topics = list(self.selection.topics) or [commands_topic(identity) for identity in identities]
        by_topic = {commands_topic(identity): identity for identity in self.routes.identities}
        if unknown := [topic for topic in topics if topic != self.cdc_topic and topic not in by_topic]:
            raise SettingsInvalid(f"--topic {unknown[0]}: is neither {self.cdc_topic} nor one of {', '.join(by_topic)}")
        # Before the outcomes: of what is acknowledged now, the outcome is there when they are read.
        self._note_taken({**{self.cdc_topic: ROUTE}, **{t: submit_group(i) for t, i in by_topic.items()}})
        if self.selection.from_lsn is not None and self.cdc_topic not in topics:
            self._captured_from = self._offsets_of_lsn(self.selection.from_lsn)
        for topic in topics:
            self._read(topic, meant(self.bootstrap_servers, topic, self.selection))
        if self.cdc_topic in topics:
            for topic in by_topic:
                self._adopt(topic)
        for identity in self.routes.identities:
            self._look_at_replays(identity)
        self._read_history()

    def _note_taken(self, groups: Mapping[str, str]) -> None:
        for topic, group in groups.items():
            held = stretches(self.bootstrap_servers, topic)
            self.taken[topic] = acknowledged(self.bootstrap_servers, group, topic, held)

    def _read(self, topic: str, wanted: Mapping[int, Stretch]) -> None:
        """The records that are meant, and those behind them: a command may come again there."""
        held = stretches(self.bootstrap_servers, topic)
        reach = {p: Stretch(stretch.first, held[p].end) for p, stretch in wanted.items()}
        total = sum(stretch.end - stretch.first for stretch in reach.values())
        for done, message in enumerate(read_range(self.bootstrap_servers, topic, reach), start=1):
            self.tell(topic, done, total)
            origin = origin_of(message)
            self._look_at(message, origin, is_meant=origin.offset < wanted[origin.partition].end)

    def _look_at(self, message: Message, origin: Origin, *, is_meant: bool) -> None:
        try:
            lsn = None
            if origin.topic == self.cdc_topic:
                change = capture(message.value(), origin=origin, columns=self.profile.columns)
                lsn = change.lsn
                command = route(change, self.routes, routed_at=datetime.now(UTC))
                value = codecs.ROUTED_COMMANDS.encode(command)
            else:
                command, value = codecs.ROUTED_COMMANDS.decode(message.value()), message.value() or b""
        except (UnreadableMessage, RefusedCommand) as error:
            if is_meant:
                self._add_problem(origin, error)
            return
        self.records.note_newest(command.command_id, command.revision, origin)
        if is_meant and self._is_behind_lsn(lsn, command.captured_from):
            is_taken = self.selection.takes(
                command_id=command.command_id,
                command_type=command.command_type,
                tenant_id=command.tenant_id,
                identity=command.identity,
            )
            if is_taken:
                self._note_time(message)
                self.records.add(origin, command, value)

    def _add_problem(self, origin: Origin, error: UnreadableMessage | RefusedCommand) -> None:
        """With a filter only what is known to be meant is told."""
        command_id = error.command_id if isinstance(error, RefusedCommand) else None
        only = self.selection
        is_filtered = only.command_ids or only.types or only.tenants or only.identities or only.from_lsn is not None
        if not is_filtered or (command_id is not None and command_id in only.command_ids):
            is_unreadable = isinstance(error, (UnreadableMessage, MalformedCommand))
            problem = f"{'unreadable' if is_unreadable else 'unroutable'}: {error}"
            self.records.add_problem(origin, problem, command_id=command_id, command_type=None)

    def _is_behind_lsn(self, lsn: int | None, captured_from: Origin) -> bool:
        if self.selection.from_lsn is None:
            return True
        if self._captured_from is None:
            return lsn is not None and lsn >= self.selection.from_lsn
        first = self._captured_from.get(captured_from.partition)
        return first is not None and captured_from.topic == self.cdc_topic and captured_from.offset >= first

    def _offsets_of_lsn(self, from_lsn: int) -> dict[int, int]:
        """Where the change events of this position of the log and later begin."""
        found: dict[int, int] = {}
        for message in read_range(
            self.bootstrap_servers, self.cdc_topic, stretches(self.bootstrap_servers, self.cdc_topic)
        ):
            origin = origin_of(message)
            if origin.partition in found:
                continue
            try:
                change = capture(message.value(), origin=origin, columns=self.profile.columns)
            except MalformedCommand:
                continue  # its dead letter tells
            if change.lsn is not None and change.lsn >= from_lsn:
                found[origin.partition] = origin.offset
        return found

    def _adopt(self, topic: str) -> None:
        """A command that was routed keeps what was decided then: its identity above all."""
        for message in read_range(self.bootstrap_servers, topic, stretches(self.bootstrap_servers, topic)):
            try:
                command = codecs.ROUTED_COMMANDS.decode(message.value())
            except UnreadableMessage:
                continue  # its dead letter tells
            origin = origin_of(message)
            self.records.note_newest(command.command_id, command.revision, origin)
            self.records.adopt(command, origin, message.value() or b"")

    def _look_at_replays(self, identity: str) -> None:
        """What is under way already, and payloads that an operator has edited."""
        topic = replays_topic(identity)
        held = stretches(self.bootstrap_servers, topic)
        taken = acknowledged(self.bootstrap_servers, submit_group(identity), topic, held)
        for message in read_range(self.bootstrap_servers, topic, held):
            try:
                command = codecs.ROUTED_COMMANDS.decode(message.value())
            except UnreadableMessage:
                continue  # its dead letter tells
            origin = origin_of(message)
            self.records.note_revision(command.command_id, command.revision, origin)
            if origin.offset >= taken[origin.partition]:
                self.records.note_under_way(command.command_id)

    def _note_time(self, message: Message) -> None:
        at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
        self.first_at = at if self.first_at is None else min(self.first_at, at)

    def _read_history(self) -> None:
        """Outcomes and dead letters since the first record."""
        for topic, note in ((DEAD_LETTERS, self.history.note_letters), (RESULTS, self.history.note_outcomes)):
            held = stretches(self.bootstrap_servers, topic)
            firsts = {p: stretch.end for p, stretch in held.items()}
            if self.first_at is not None:
                firsts = offsets_at(self.bootstrap_servers, topic, held, self.first_at - CLOCK_SKEW)
            wanted = {p: Stretch(firsts[p], stretch.end) for p, stretch in held.items()}
            count = _Count(self.tell, topic, sum(stretch.end - stretch.first for stretch in wanted.values()))
            note(read_range(self.bootstrap_servers, topic, wanted), count)
            if topic == RESULTS:
                self.results_end = {p: stretch.end for p, stretch in held.items()}


@dataclass(slots=True)
class _Count:
    tell: Tell
    topic: str
    total: int
    done: int = 0

    def __call__(self, _: Message) -> None:
        self.done += 1
        self.tell(self.topic, self.done, self.total)
