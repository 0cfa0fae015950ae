"""The outbox connector on a real Postgres, Kafka and Connect, for both shipped profiles."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from psycopg import sql

from streams.errors import StackFailed
from streams.files import ROOT
from streams.local.connect import Connector
from streams.local.outbox import create_outbox
from streams.local.paths import LocalPaths
from streams.local.postgres import OWNER
from streams.local.stack import DATABASE, Stack
from streams.postgres.profiles import Profile, load_profile

STATUSES = ("PENDING", "LOCKED", "SUBMITTED", "COMMITTED", "FAILED")
DEADLINE_S = 60.0
PAYLOAD = {"fromUserId": "MY CBD ABG872 0QWER 0001", "amount": 2500000, "remark": "Miete für Dezember"}


@dataclass(frozen=True)
class Event:
    key: str
    value: dict[str, Any]

    @property
    def row(self) -> dict[str, Any]:
        return dict(self.value["after"])


@dataclass
class Outbox:
    """One profile's table and what has arrived from it."""

    profile: Profile
    dsn: str
    topic: str
    bootstrap_servers: str
    events: list[Event] = field(default_factory=list)
    consumer: Consumer | None = None

    def insert(self, command_id: str, command_type: str = "TRANSFER_TOKENS", status: str = "PENDING") -> None:
        row = {
            "id": command_id,
            "tenant_id": "default",
            "service": "test",
            "command_type": command_type,
            "request_id": f"request {command_id}",
            "payload": json.dumps(PAYLOAD),
            "status": status,
            "updated_at": "now",
        }
        names = [sql.Identifier(self.profile.columns[name]) for name in row]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._table, sql.SQL(",").join(names), sql.SQL(",").join(sql.Placeholder() * len(row))
        )
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement, list(row.values()))

    def set_status(self, command_id: str, status: str) -> None:
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(
            self._table, self._column("status"), self._column("id")
        )
        with psycopg.connect(self.dsn) as connection:
            assert connection.execute(statement, (status, command_id)).rowcount == 1

    def ids(self) -> list[str]:
        """The ids of all events so far, in order."""
        return [event.row[self.profile.columns["id"]] for event in self.events]

    def event(self, command_id: str) -> Event:
        self.read_until(command_id)
        return next(event for event in self.events if event.row[self.profile.columns["id"]] == command_id)

    def read_until(self, *command_ids: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        def arrived() -> bool:
            meanwhile()
            return set(command_ids) <= set(self._read())

        wait_for(arrived, f"events of {command_ids}")

    def _read(self) -> list[str]:
        if self.consumer is None:
            self.consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "none", "log_level": 0})
            self.consumer.assign([TopicPartition(self.topic, 0, 0)])
        self.events += [event_of(message) for message in self.consumer.consume(500, 0.1) if not message.error()]
        return self.ids()

    @property
    def _table(self) -> sql.Identifier:
        return sql.Identifier(self.profile.schema, self.profile.table)

    def _column(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.profile.columns[name])


def event_of(message: Message) -> Event:
    key, value = message.key(), message.value()
    assert key is not None
    assert value is not None
    return Event(key.decode(), json.loads(value))


def wait_for(condition: Callable[[], bool], what: str) -> None:
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < due_at, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Capture:
    stack: Stack
    outboxes: dict[str, Outbox]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capture]:
    """One stack with two databases, one per profile; each table has a row of every status before its connector."""
    folder = tmp_path_factory.mktemp("stack")
    paths = LocalPaths(state=folder / "state", jars=ROOT / ".local" / "jars", logs=folder / "logs")
    outboxes: dict[str, Outbox] = {}

    def add_outbox(stack: Stack, profile: Profile, database: str, prefix: str) -> None:
        dsn = stack.postgres.dsn(OWNER, database)
        outbox = Outbox(profile, dsn, profile.cdc_topic(prefix), stack.kafka.bootstrap_servers)
        for status in STATUSES:
            outbox.insert(f"before {status}", status=status)
        outboxes[profile.name] = outbox

    snake, camel = load_profile("snake_case"), load_profile("camel_case")
    with Stack(paths, snake, fsync=False, after_kafka=lambda stack: add_outbox(stack, snake, DATABASE, "gx")) as stack:
        stack.start()
        second = Connector(name="outbox-camel", topic_prefix="camel", slot="camel", publication="camel")
        create_outbox(stack.postgres, "camel", camel, second.publication)
        add_outbox(stack, camel, "camel", second.topic_prefix)
        stack.register(second, camel, "camel")
        yield Capture(stack, outboxes)


@pytest.fixture(params=["snake_case", "camel_case"])
def outbox(capture: Capture, request: pytest.FixtureRequest) -> Outbox:
    return capture.outboxes[request.param]


def test_a_snapshot_emits_pending_rows_only(outbox: Outbox) -> None:
    outbox.insert("after the snapshot")

    assert outbox.event("after the snapshot").value["op"] == "c"
    from_snapshot = [event for event in outbox.events if event.value["op"] == "r"]
    ids = [event.row[outbox.profile.columns["id"]] for event in from_snapshot]
    assert ids == ["before PENDING", "before LOCKED"]
    assert [event.key for event in from_snapshot] == ["TRANSFER_TOKENS"] * 2


def test_an_insert_arrives_keyed_by_its_command_type_with_its_payload(outbox: Outbox) -> None:
    outbox.insert("inserted", command_type="BOOTSTRAP_SYSTEM")

    event = outbox.event("inserted")
    assert event.key == "BOOTSTRAP_SYSTEM"
    assert json.loads(event.row["payload"]) == PAYLOAD
    assert event.row[outbox.profile.columns["status"]] == "PENDING"
    assert event.row[outbox.profile.columns["created_at"]].endswith("Z")
    assert event.value["source"]["lsn"] > 0


def test_an_update_emits_nothing(outbox: Outbox) -> None:
    outbox.insert("updated")
    outbox.set_status("updated", "COMMITTED")
    outbox.insert("the next one")

    outbox.read_until("the next one")
    assert outbox.ids()[-2:] == ["updated", "the next one"]


def test_the_capture_role_cannot_change_a_command(capture: Capture, outbox: Outbox) -> None:
    database = outbox.dsn.rpartition("/")[2]
    as_debezium = Outbox(outbox.profile, capture.stack.postgres.dsn("debezium", database), "", "")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_debezium.set_status("before PENDING", "COMMITTED")


def test_a_second_stack_in_the_same_folder_is_refused(capture: Capture) -> None:
    with pytest.raises(StackFailed, match=f"is running already under process {os.getpid()}"):
        Stack(capture.stack.paths, capture.stack.profile)


def test_the_connector_runs_again_under_the_same_name_when_it_is_registered_again(capture: Capture) -> None:
    stack = capture.stack
    stack.register(stack.connector, stack.profile, DATABASE)
    outbox = capture.outboxes["snake_case"]
    outbox.insert("after registering again")
    outbox.read_until("after registering again")
    assert outbox.ids().count("before PENDING") == 1


@pytest.mark.parametrize("name", ["connect", "postgres", "kafka"])
def test_a_death_of_one_part_loses_nothing(capture: Capture, name: str) -> None:
    stack, outboxes = capture.stack, capture.outboxes.values()
    expected: list[str] = []

    def insert(moment: str) -> None:
        ids = [f"{moment} {name}'s death {number}" for number in range(20)]
        for command_id in ids:
            for outbox in outboxes:
                outbox.insert(command_id)
        expected.extend(ids)

    def is_back() -> bool:
        stack.look()
        return stack.supervisor.pid(name) != dead

    dead = stack.supervisor.pid(name)
    insert("before")
    os.kill(dead, signal.SIGKILL)
    if name != "postgres":
        insert("during")
    wait_for(is_back, f"{name} is started again")
    stack.supervisor.wait_healthy(name)
    insert("after")

    for outbox in outboxes:
        outbox.read_until(*expected, meanwhile=stack.look)
        first_seen = list(dict.fromkeys(outbox.ids()))
        assert [command_id for command_id in first_seen if command_id in expected] == expected
