"""The real neighbours of the integration ring, one process each, and how tests wait for them."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import KafkaException, Message, Producer

from streams.files import ROOT
from streams.kafka.groups import has_members
from streams.kafka.lag import lags
from streams.kafka.topics import Topic, create_topics
from streams.local.outbox import create_outbox
from streams.local.paths import LocalPaths
from streams.local.postgres import OWNER, SINK, Postgres
from streams.local.process import Process
from streams.local.supervisor import Supervisor
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import NewCommand, Row, fetch_rows, insert_command

DEADLINE_S = 60.0
POLL_S = 0.02


def until(condition: Callable[[], bool], what: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return when the condition holds; fail after the deadline, naming what did not come."""
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        meanwhile()
        assert time.monotonic() < due_at, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(POLL_S)


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """As `until`, while the loop goes on: the condition may block, it is asked in a thread."""
    due_at = time.monotonic() + DEADLINE_S
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < due_at, f"not within {DEADLINE_S:g} s: {what}"
        await asyncio.sleep(POLL_S)


@contextmanager
def supervised(folder: Path) -> Iterator[tuple[LocalPaths, Supervisor]]:
    """Folders and a supervisor; whatever it started is stopped at the end."""
    paths = LocalPaths(state=folder / "state", jars=ROOT / ".local" / "jars", logs=folder / "logs")
    paths.make()
    with Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        yield paths, supervisor


@dataclass(frozen=True)
class Database:
    """A Postgres server, and who keeps it."""

    server: Postgres
    supervisor: Supervisor

    def outbox(self, profile_name: str) -> Outbox:
        """The outbox of a profile, in a database of its own."""
        profile = load_profile(profile_name)
        create_outbox(self.server, profile_name, profile, publication=f"{profile_name}_outbox")
        return Outbox(profile, self.server.dsn(OWNER, profile_name), self.server.dsn(SINK, profile_name))


@dataclass(frozen=True)
class Outbox:
    """One profile's table; `dsn` is the owner's, `sink_dsn` the sink's."""

    profile: Profile
    dsn: str
    sink_dsn: str

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, autocommit=True)

    def insert(self, **changes: str) -> str:
        """Insert a command as a service does; its id."""
        return self.insert_many(1, **changes)[0]

    def insert_many(self, count: int, **changes: str) -> list[str]:
        """Insert commands that differ in their ids only; the ids in order."""
        command_ids = [str(uuid.uuid4()) for _ in range(count)]
        with self.connect() as connection:
            for command_id in command_ids:
                given = {
                    "command_id": command_id,
                    "tenant_id": "default",
                    "service": "test",
                    "command_type": "TRANSFER_TOKENS",
                    "request_id": f"request {command_id}",
                    "payload": "{}",
                }
                insert_command(connection, self.profile, NewCommand(**{**given, **changes}))
        return command_ids

    def rows(self, *command_ids: str) -> dict[str, Row]:
        with self.connect() as connection:
            return fetch_rows(connection, self.profile, command_ids)

    def row(self, command_id: str) -> Row:
        return self.rows(command_id)[command_id]


@dataclass(frozen=True)
class Broker:
    """A Kafka broker."""

    bootstrap_servers: str

    def topic(self, partitions: int = 1, name: str = "") -> str:
        """A topic, new unless it is named; every partition has its leader."""
        name = name or f"topic-{uuid.uuid4()}"
        create_topics(self.bootstrap_servers, [Topic(name, partitions)])
        until(lambda: self._is_ready(name), f"the leaders of {name}")
        return name

    def _is_ready(self, topic: str) -> bool:
        """For a moment after its creation, a topic is known and its partitions are nobody's."""
        try:
            return len(lags(self.bootstrap_servers, {"nobody": topic})) == 1
        except KafkaException:
            return False

    def produce(self, topic: str, *values: bytes | None, key: bytes | None = None, **where: int) -> list[Message]:
        """Append the values; `where`: partition, timestamp. Returns when the broker has them."""
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "acks": "all", "linger.ms": 0})
        delivered: list[Message] = []

        def done(error: object, message: Message) -> None:
            assert error is None
            delivered.append(message)

        for value in values:
            producer.produce(topic, value=value, key=key, on_delivery=done, **where)
        assert producer.flush(DEADLINE_S) == 0
        return delivered

    def worker(self, name: str, group: str, *arguments: str, settings: Mapping[str, str]) -> Process:
        """A process of the line (`streams <arguments>`), healthy when it is a member of its group."""
        return Process(
            name=name,
            argv=[sys.executable, "-m", "streams", *arguments],
            env={
                "STREAMS_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap_servers,
                "STREAMS_WORKER__NAME": name,
                "STREAMS_WORKER__STATIC_MEMBERSHIP": "true",
                **settings,
            },
            healthy=lambda: has_members(self.bootstrap_servers, group),
            start_deadline_s=DEADLINE_S,
            stop_deadline_s=30.0,
        )
