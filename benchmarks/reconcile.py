"""What reconciliation costs: `python -m benchmarks.reconcile`.

A real Postgres with a million rows, a real Kafka with a million change events, a million routed commands and two
million outcomes of them; the VALID transactions are written into the notebook as if they had been read from the chain.
Every thousandth command lacks its outcomes, every thousandth its transaction: so much must be found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

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
from streams.operations.reconcile.facts import milliseconds
from streams.operations.reconcile.findings import Window
from streams.operations.reconcile.gather import Gathered, Parties, gather
from streams.operations.reconcile.judge import Limits
from streams.operations.reconcile.notebook import Notebook, open_notebook
from streams.operations.reconcile.possible_ids import PossibleIds
from streams.operations.reconcile.run import judge_all
from streams.postgres.profiles import load_profile

CDC_TOPIC = "gx.public.outbox_commands"
IDENTITY = "org1-partner-api"
EVERY = 1000
PAYLOAD = '{"toId": "DE-3f0c1f5e6a0e4a8b", "amount": "1", "fromId": "MY-3f0c1f5e6a0e4a8b"}'
"""In the order that jsonb gives its keys."""

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print time and memory of each part; 1 if not exactly what was planted was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reconcile", description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    commands = parser.parse_args(arguments).commands
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as (dsn, bootstrap_servers):
        since = datetime.now(UTC).replace(microsecond=0) - timedelta(milliseconds=commands) - timedelta(minutes=10)
        parties = Parties(
            dsn=dsn,
            profile=load_profile("snake_case"),
            bootstrap_servers=bootstrap_servers,
            cdc_topic=CDC_TOPIC,
            identities=(IDENTITY,),
        )
        timed("made rows", lambda: make_rows(dsn, since, commands))
        maker = get_context("spawn").Process(target=make_records, args=(bootstrap_servers, since, commands))
        maker.start()  # of its own: its memory is not that of reconciliation
        timed("made records", maker.join)
        window = Window(since=since, until=datetime.now(UTC))
        with open_notebook() as notebook:
            found = measure(parties, window, notebook, commands)
    print(f"{commands} commands, findings: {dict(found)}")
    planted = len(range(0, commands, EVERY))
    return 0 if found == {"final_row_without_outcome": planted, "unproven": planted, "strangers": 0} else 1


def measure(parties: Parties, window: Window, notebook: Notebook, commands: int) -> Counter[str]:
    """Each part as one run makes it."""
    print(f"{'before':<22}{'':>10}  {peak_mib():6.0f} MiB at most")
    gathered: Gathered = timed("gather", lambda: gather(parties, window, notebook))
    assert gathered.rows == commands
    limits = Limits(
        since_ms=milliseconds(window.since),
        until_ms=milliseconds(window.until),
        kept_since_ms=0,
        began_ms=0,
        submitted_before_ms=milliseconds(window.until),
    )
    nobody = PossibleIds(secret=b"secret", channel="channel", chaincode="chaincode", creators={})
    timed("judge", lambda: judge_all(notebook, limits, nobody))
    timed("valid", lambda: notebook.write_valid(valid(commands)))
    timed("index", notebook.index)
    found = Counter[str](one.kind for one in notebook.suspicions())
    unproven = timed("commits unproven", lambda: sum(1 for _ in notebook.unproven_commits(limits.until_ms)))
    strangers = timed("strangers", lambda: sum(1 for _ in notebook.strangers()))
    found.update({"unproven": unproven, "strangers": strangers})
    return found


def timed(what: str, call: Callable[[], T]) -> T:
    """The call's result; prints how long it took and the most memory that this process ever had."""
    began_at = time.monotonic()
    result = call()
    print(f"{what:<22}{time.monotonic() - began_at:8.1f} s  {peak_mib():6.0f} MiB at most", flush=True)
    return result


def peak_mib() -> float:
    """Resident, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def command_id(number: int) -> str:
    """As in reconcile_rows.sql: in no order, as ids are."""
    return "command-" + hashlib.sha256(str(number).encode()).hexdigest()


def transaction_id(number: int) -> str:
    """As in reconcile_rows.sql."""
    return hashlib.sha256(f"transaction {number}".encode()).hexdigest()


def valid(commands: int) -> Iterator[tuple[str, int]]:
    """All but one in a thousand."""
    return ((transaction_id(number), number // 100) for number in range(commands) if number % EVERY != 1)


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


if __name__ == "__main__":
    sys.exit(main())
