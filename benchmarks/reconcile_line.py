"""The line that reconciliation is measured on: rows, records of every topic, and the servers that hold them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.files import ROOT
from streams.kafka import codecs
from streams.kafka.groups import line_groups
from streams.kafka.lag import stretches
from streams.kafka.topics import RESULTS, commands_topic, create_topics, line_topics
from streams.local.jars import install_jars
from streams.local.kafka import Kafka
from streams.local.outbox import create_outbox
from streams.local.passwords import load_passwords
from streams.local.paths import LocalPaths
from streams.local.ports import choose_ports
from streams.local.postgres import OWNER, ROLES, Postgres
from streams.local.supervisor import Supervisor
from streams.messages import Origin, Outcome, OutcomeKind, RoutedCommand
from streams.postgres.profiles import load_profile

CDC_TOPIC = "gx.public.outbox_commands"
IDENTITY = "org1-partner-api"
EVERY = 1000
"""One command in so many lacks its outcomes."""

PAYLOAD = '{"toId": "DE-3f0c1f5e6a0e4a8b", "amount": "1", "fromId": "MY-3f0c1f5e6a0e4a8b"}'
"""In the order that jsonb gives its keys."""


def command_id(number: int) -> str:
    """As in reconcile_rows.sql: in no order, as ids are."""
    return "command-" + hashlib.sha256(str(number).encode()).hexdigest()


def transaction_id(number: int) -> str:
    """As in reconcile_rows.sql."""
    return hashlib.sha256(f"transaction {number}".encode()).hexdigest()


def make_rows(dsn: str, since: datetime, commands: int) -> None:
    """In one statement."""
    statement: Any = Path(__file__).with_name("reconcile_rows.sql").read_text()
    with psycopg.connect(dsn) as connection:
        connection.execute(statement, {"since": since, "commands": commands})


def make_records(bootstrap_servers: str, since: datetime, commands: int) -> None:
    """Of every command: event, routed command, and but for one in a thousand two outcomes; all acknowledged."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 50, "compression.type": "lz4"})

    def produce(topic: str, key: str, value: bytes) -> None:
        while True:
            try:
                producer.produce(topic, key=key, value=value)
                return
            except BufferError:
                producer.poll(0.1)

    for number in range(commands):
        created_at, key = since + timedelta(milliseconds=number), command_id(number)
        produce(CDC_TOPIC, "TRANSFER_TOKENS", event(number, created_at))
        produce(commands_topic(IDENTITY), key, codecs.ROUTED_COMMANDS.encode(routed(number, created_at)))
        if number % EVERY:
            for kind in (OutcomeKind.SUBMITTED, OutcomeKind.COMMITTED):
                produce(RESULTS, key, codecs.OUTCOMES.encode(outcome(number, kind, created_at)))
    assert producer.flush(120) == 0
    for group, topic in line_groups((IDENTITY,), CDC_TOPIC).items():
        acknowledge(bootstrap_servers, group, topic)


def event(number: int, created_at: datetime) -> bytes:
    """As Debezium writes it."""
    after = {
        "id": command_id(number),
        "tenant_id": "default",
        "service": "benchmark",
        "command_type": "TRANSFER_TOKENS",
        "request_id": str(number),
        "payload": PAYLOAD,
        "created_at": created_at.isoformat(),
    }
    return json.dumps({"before": None, "after": after, "source": {"lsn": number}, "op": "c", "ts_ms": 0}).encode()


def routed(number: int, created_at: datetime) -> RoutedCommand:
    """As the route worker writes it."""
    return RoutedCommand(
        command_id=command_id(number),
        tenant_id="default",
        command_type="TRANSFER_TOKENS",
        request_id=str(number),
        identity=IDENTITY,
        contract="TokenomicsContract",
        function="TransferWithFees",
        arguments=("MY-3f0c1f5e6a0e4a8b", "DE-3f0c1f5e6a0e4a8b", "1", "P2P", "", ""),
        ordering_key="MY-3f0c1f5e6a0e4a8b",
        created_at=created_at,
        captured_at=created_at,
        routed_at=created_at,
        captured_from=Origin(topic=CDC_TOPIC, partition=0, offset=number),
    )


def outcome(number: int, kind: OutcomeKind, at: datetime) -> Outcome:
    """As a submit worker writes it."""
    stages = dict.fromkeys(("created", "captured", "routed", "taken", "endorsed", "submitted", "committed"), at)
    return Outcome(
        command_id=command_id(number),
        command_type="TRANSFER_TOKENS",
        kind=kind,
        identity=IDENTITY,
        transaction_id=transaction_id(number),
        block_number=number // 100 if kind is OutcomeKind.COMMITTED else None,
        attempts=1,
        stages=stages,
        worker="benchmark",
        happened_at=at,
    )


def acknowledge(bootstrap_servers: str, group: str, topic: str) -> None:
    """Everything that is in the topic."""
    held = stretches(bootstrap_servers, topic)
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, at, of.end) for at, of in held.items()], asynchronous=False)
    consumer.close()


@contextmanager
def stack(folder: Path) -> Iterator[tuple[str, str]]:
    """(connection string, brokers) of a Postgres and a Kafka with the tables and topics of a line."""
    paths = LocalPaths(state=folder / "state", jars=ROOT / ".local" / "jars", logs=folder / "logs")
    paths.make()
    ports = choose_ports(paths.state / "ports.json", ["postgres", "kafka", "kafka-controller"])
    passwords = load_passwords(paths.state / "passwords.properties", ROLES)
    postgres = Postgres(paths=paths, port=ports["postgres"], passwords=passwords, fsync=False)
    kafka = Kafka(
        paths=paths, jars=install_jars(paths.jars), port=ports["kafka"], controller_port=ports["kafka-controller"]
    )
    with Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        for server in (postgres, kafka):
            server.prepare()
            supervisor.start(server.process())
        create_outbox(postgres, "benchmark", load_profile("snake_case"), publication="outbox")
        create_topics(kafka.bootstrap_servers, line_topics((IDENTITY,), CDC_TOPIC, 6))
        yield postgres.dsn(OWNER, "benchmark"), kafka.bootstrap_servers
