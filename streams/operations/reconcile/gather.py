"""Rows and topics -> notebook. Reads every topic once, from the start of the window to its end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg
from confluent_kafka import Message

from streams.errors import MalformedCommand, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.groups import line_groups, replay_groups
from streams.kafka.places import acknowledged, first_written_at, kept_since
from streams.kafka.reading import origin_of, read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic, replays_topic
from streams.operations.reconcile import facts
from streams.operations.reconcile.facts import Fact
from streams.operations.reconcile.findings import Window
from streams.operations.reconcile.notebook import Notebook
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.reconciling import end_of_log, rows_between
from streams.routes.table import load_routes
from streams.settings import MonitorSettings, ToolSettings
from streams.stages.capture import capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Where the line is. `slot`: the replication slot of its connector."""

    dsn: str
    profile: Profile
    bootstrap_servers: str
    cdc_topic: str
    slot: str
    identities: tuple[str, ...]

    @property
    def carrying(self) -> tuple[str, ...]:
        """The topics that give commands to the workers: live ones, and those that are delivered once more."""
        return tuple(topic(identity) for identity in self.identities for topic in (commands_topic, replays_topic))

    def groups(self) -> Mapping[str, str]:
        """Topic -> the consumer group that acknowledges it."""
        by_topic = {topic: group for group, topic in line_groups(self.identities, self.cdc_topic).items()}
        return by_topic | {topic: group for group, topic in replay_groups(self.identities).items()}


def parties_of(settings: ToolSettings | MonitorSettings) -> Parties:
    """Of the line in the settings. Raises SettingsInvalid, RoutesInvalid."""
    profile = load_profile(settings.postgres.profile)
    return Parties(
        dsn=settings.postgres.dsn.get_secret_value(),
        profile=profile,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        cdc_topic=profile.cdc_topic(settings.kafka.topic_prefix),
        slot=settings.connect.slot,
        identities=tuple(load_routes(settings.routes).identities),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """`log_position`: where the log of the database was when the rows had been read. Times: None, nothing is missing.

    `kept_since`: the topics have lost what is older. `began_at`: when the first event that is left was captured.
    """

    rows: int
    log_position: str
    kept_since: datetime | None
    began_at: datetime | None


def gather(parties: Parties, window: Window, notebook: Notebook) -> Gathered:
    """Rows first, so that whatever is in one was told before the topics are read to their ends.

    Raises psycopg.Error, confluent_kafka.KafkaException, UnknownSchema.
    """
    rows, position = _gather_rows(parties, window, notebook)
    # Acknowledged before the topics are read: what a group has dealt with by now is told in what is read next.
    done = {topic: acknowledged(parties.bootstrap_servers, group, topic) for topic, group in parties.groups().items()}
    notebook.write_facts(events(parties, window.since, done[parties.cdc_topic]))
    for topic in parties.carrying:
        notebook.write_facts(_routed(parties, topic, window.since, done[topic]))
    notebook.write_facts(_outcomes(parties, window.since, done[RESULTS]))
    notebook.write_facts(_letters(parties, window.since))
    topics = (parties.cdc_topic, RESULTS, *map(commands_topic, parties.identities))  # a replay is no origin
    kept = [at for topic in topics if (at := kept_since(parties.bootstrap_servers, topic)) is not None]
    return Gathered(
        rows=rows,
        log_position=position,
        kept_since=max(kept, default=None),
        began_at=first_written_at(parties.bootstrap_servers, parties.cdc_topic),
    )


def _gather_rows(parties: Parties, window: Window, notebook: Notebook) -> tuple[int, str]:
    """How many, and where the log has come to meanwhile."""
    with psycopg.connect(parties.dsn, connect_timeout=5) as connection:
        with rows_between(connection, parties.profile, window.since, window.until) as rows:
            count = notebook.write_facts(map(facts.of_row, rows))
        return count, end_of_log(connection, parties.profile)


def events(parties: Parties, since: datetime, done: Mapping[int, int]) -> Iterator[Fact]:
    """The change events captured since then; what is none has a dead letter."""
    for message in read_since(parties.bootstrap_servers, parties.cdc_topic, since):
        with suppress(MalformedCommand):
            change = capture(message.value(), origin=origin_of(message), columns=parties.profile.columns)
            digest = hashlib.sha256(change.command.payload.encode()).hexdigest()
            yield facts.of_event(change, digest, _is_done(message, done))


def _routed(parties: Parties, topic: str, since: datetime, done: Mapping[int, int]) -> Iterator[Fact]:
    for message in read_since(parties.bootstrap_servers, topic, since):
        with suppress(UnreadableMessage):
            command = codecs.ROUTED_COMMANDS.decode(message.value())
            yield facts.of_routed(command, origin_of(message), _is_done(message, done))


def _outcomes(parties: Parties, since: datetime, done: Mapping[int, int]) -> Iterator[Fact]:
    for message in read_since(parties.bootstrap_servers, RESULTS, since):
        with suppress(UnreadableMessage):
            outcome = codecs.OUTCOMES.decode(message.value())
            yield facts.of_outcome(outcome, origin_of(message), _is_done(message, done))


def _letters(parties: Parties, since: datetime) -> Iterator[Fact]:
    for message in read_since(parties.bootstrap_servers, DEAD_LETTERS, since):
        with suppress(UnreadableMessage):
            letter = codecs.DEAD_LETTERS.decode(message.value())
            if letter.command_id is not None:
                yield facts.of_letter(letter.command_id, letter)


def _is_done(message: Message, done: Mapping[int, int]) -> bool:
    return bool(message.offset() < done.get(message.partition(), 0))
