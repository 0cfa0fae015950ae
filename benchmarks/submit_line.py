"""What `benchmarks.submit` runs: a broker, and for each scenario a network, a topic and one submit worker."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from streams.fabric.ids import create_secret
from streams.files import ROOT
from streams.kafka import codecs
from streams.kafka.groups import has_members, submit_group
from streams.kafka.lag import lags
from streams.kafka.reading import read_since
from streams.kafka.topics import (
    BREAKERS,
    CONTROLS,
    DEAD_LETTERS,
    OPERATOR_ACTIONS,
    RESULTS,
    Topic,
    commands_topic,
    create_topics,
    replays_topic,
)
from streams.local.jars import install_jars
from streams.local.kafka import Kafka
from streams.local.paths import LocalPaths
from streams.local.ports import choose_ports
from streams.local.process import Child, Process
from streams.local.supervisor import Supervisor
from streams.messages import Origin, Outcome, OutcomeKind, RoutedCommand
from streams.settings import FabricSettings

PARTITIONS = 6
POLL_S = 0.2
DEADLINE_S = 600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's COMMITTED outcome, and when the broker had it."""

    outcome: Outcome
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Scenario:
    """One identity with its network and topic; the worker is started by `work`."""

    identity: str
    fabric: FabricSettings
    broker: str
    log: Path
    began_at: datetime

    def command(
        self, function: str, *accounts: str, key: str, touches: tuple[str, ...] = (), tenant: str = "t"
    ) -> RoutedCommand:
        now, command_id = datetime.now(UTC), str(uuid.uuid4())
        return RoutedCommand(
            command_id=command_id,
            tenant_id=tenant,
            command_type="BENCH",
            request_id=command_id,
            identity=self.identity,
            contract="Bench",
            function=function,
            arguments=accounts,
            ordering_key=key,
            touches=touches,
            created_at=now,
            captured_at=now,
            routed_at=now,
            captured_from=Origin(topic="bench", partition=0, offset=0),
        )

    def produce(self, commands: Iterable[RoutedCommand]) -> None:
        """Append them; returns when the broker has them."""
        producer = Producer({"bootstrap.servers": self.broker, "acks": "all"})
        for command in commands:
            value = codecs.ROUTED_COMMANDS.encode(command)
            producer.produce(commands_topic(self.identity), value=value, key=command.ordering_key.encode())
            producer.poll(0)
        if producer.flush(60):
            raise SystemExit("the broker did not take the commands")

    @contextmanager
    def work(self, window: int = 500) -> Iterator[None]:
        """The worker, a member of its group; stopped at the end."""
        group = submit_group(self.identity)
        reach = self.fabric.model_dump(include={"gateway", "tls_ca_file", "wallet", "nonce_secret_file"})
        process = Process(
            name="worker",
            argv=[sys.executable, "-m", "streams", "worker", "submit", "--identity", self.identity],
            env={
                "STREAMS_KAFKA__BOOTSTRAP_SERVERS": self.broker,
                "STREAMS_SUBMIT__MAX_IN_FLIGHT": str(window),
                **{f"STREAMS_FABRIC__{name.upper()}": str(value) for name, value in reach.items()},
            },
            healthy=lambda: _is_member(self.broker, group),
        )
        child = Child(process, self.log)
        try:
            until(process.healthy, POLL_S)
            yield
        finally:
            child.ask_to_stop()
            child.wait_until_stopped(child.stop_due_at)

    def until_idle(self, poll_s: float = POLL_S) -> None:
        """Wait until everything is acknowledged."""
        group = {submit_group(self.identity): commands_topic(self.identity)}
        until(lambda: not lags(self.broker, group)[0].records, poll_s)

    def answers(self) -> dict[str, Answer]:
        """By command id; every one that was committed."""
        found = {}
        for message in read_since(self.broker, RESULTS, self.began_at):
            outcome = codecs.OUTCOMES.decode(message.value())
            if outcome.identity == self.identity and outcome.kind is OutcomeKind.COMMITTED:
                told_at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
                found[outcome.command_id] = Answer(outcome, told_at)
        return found


@dataclass(frozen=True, slots=True)
class Bench:
    """A running broker."""

    folder: Path
    broker: str

    @contextmanager
    def scenario(self, name: str, block_interval_s: float, block_size: int = 500) -> Iterator[Scenario]:
        """A new identity, with a network of its own."""
        identity = f"{name}-{uuid.uuid4().hex[:8]}"
        folder = self.folder / identity
        folder.mkdir()
        topics = (commands_topic(identity), replays_topic(identity))
        create_topics(self.broker, [Topic(topic, PARTITIONS) for topic in topics])
        with _ledger(folder, identity, block_interval_s, block_size) as address:
            create_secret(folder / "nonce-secret")
            fabric = FabricSettings(
                gateway=address,
                tls_ca_file=folder / "wallet" / "tlsca-cert",
                wallet=folder / "wallet",
                nonce_secret_file=folder / "nonce-secret",
            )
            yield Scenario(identity, fabric, self.broker, folder / "worker.log", datetime.now(UTC))


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A broker with the topics that a submit worker writes to."""
    paths = LocalPaths(state=folder / "state", jars=ROOT / ".local" / "jars", logs=folder / "logs")
    paths.make()
    ports = choose_ports(paths.state / "ports.json", ["kafka", "kafka-controller"])
    with Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        jars = install_jars(paths.jars)
        kafka = Kafka(paths=paths, jars=jars, port=ports["kafka"], controller_port=ports["kafka-controller"])
        kafka.prepare()
        supervisor.start(kafka.process())
        create_topics(
            kafka.bootstrap_servers,
            [
                Topic(RESULTS, PARTITIONS),
                *(Topic(name, 1) for name in (DEAD_LETTERS, BREAKERS, CONTROLS, OPERATOR_ACTIONS)),
            ],
        )
        yield Bench(folder, kafka.bootstrap_servers)


@contextmanager
def _ledger(folder: Path, identity: str, block_interval_s: float, block_size: int) -> Iterator[str]:
    arguments = [str(folder), identity, str(block_interval_s), str(block_size)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.submit_ledger", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise SystemExit("the simulated network did not start")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _is_member(broker: str, group: str) -> bool:
    try:
        return has_members(broker, group)
    except KafkaException:  # a young broker does not know yet who coordinates the group
        return False


def until(condition: Callable[[], bool], poll_s: float) -> None:
    """Return when the condition holds; give up after ten minutes."""
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > due_at:
            raise SystemExit("the worker did not come to an end with its commands")
        time.sleep(poll_s)
