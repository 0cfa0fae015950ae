"""Submit workers between a real Kafka and a simulated network whose chaincode can be made to wait."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition
from gate import Gate
from neighbours import Broker, eventually
from worker_process import WorkerProcess

from streams.errors import UnreadableMessage
from streams.fabric.gateway import connect
from streams.fabric.ids import create_secret
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.reading import read_since
from streams.kafka.topics import BREAKERS, DEAD_LETTERS, RESULTS, commands_topic, replays_topic
from streams.ledger import VALID
from streams.local.ports import HOST, choose_ports
from streams.messages import DeadLetter, Origin, Outcome, OutcomeKind, RoutedCommand
from streams.settings import FabricSettings
from streams.simulator.config import IdentityConfig, SimulatorConfig
from streams.simulator.server import Simulator

BEGAN_AT = datetime.now(UTC)


@dataclass
class Bench:
    """One identity with its topic, its network and its workers."""

    broker: Broker
    identity: str
    gate: Gate
    folder: Path
    config: SimulatorConfig
    settings: dict[str, str] = field(default_factory=dict)
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    simulator: Simulator | None = None

    @property
    def fabric(self) -> FabricSettings:
        return FabricSettings(
            gateway=self.config.listen,
            tls_ca_file=self.config.wallet / "tlsca-cert",
            wallet=self.config.wallet,
            nonce_secret_file=self.folder / "nonce-secret",
        )

    async def network_up(self) -> None:
        self.simulator = Simulator(self.config, self.gate)
        await self.simulator.__aenter__()

    async def network_down(self) -> None:
        if self.simulator is not None:
            await self.simulator.__aexit__(None, None, None)
            self.simulator = None

    def worker(self, name: str = "worker") -> WorkerProcess:
        """The worker of this name, whether it runs or not."""
        if name not in self.workers:
            fabric = self.fabric.model_dump(include={"gateway", "tls_ca_file", "wallet", "nonce_secret_file"})
            listen = f"{HOST}:{choose_ports(self.folder / 'ports.json', [name])[name]}"
            settings = {
                "STREAMS_WORKER__LISTEN": listen,
                "STREAMS_FABRIC__COMMIT_TIMEOUT_S": "3",
                "STREAMS_FABRIC__SETTLE_S": "3",
                **{f"STREAMS_FABRIC__{name.upper()}": str(value) for name, value in fabric.items()},
                **self.settings,
            }
            arguments = ("worker", "submit", "--identity", self.identity)
            group, full_name = submit_group(self.identity), f"{name}-{self.identity}"
            process = self.broker.worker(full_name, group, *arguments, settings=settings)
            self.workers[name] = WorkerProcess(process, listen, self.folder / f"{name}.log")
        return self.workers[name]

    def produce(self, partition: int, *commands: RoutedCommand) -> None:
        values = [codecs.ROUTED_COMMANDS.encode(command) for command in commands]
        self.produce_raw(partition, *values)

    def produce_raw(self, partition: int, *values: bytes | None) -> list[Message]:
        return self.broker.produce(commands_topic(self.identity), *values, key=b"key", partition=partition)

    def committed_offset(self, partition: int) -> int:
        """Negative: none yet."""
        group = submit_group(self.identity)
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap_servers, "group.id": group, "log_level": 0})
        (at,) = consumer.committed([TopicPartition(commands_topic(self.identity), partition)], timeout=10)
        consumer.close()
        return int(at.offset)

    def outcomes(self, kind: OutcomeKind) -> Counter[str]:
        """How often the worker has told this of each command."""
        return Counter(outcome.command_id for outcome in self._outcomes() if outcome.kind is kind)

    async def until_committed(self, *commands: RoutedCommand) -> None:
        wanted = {command.command_id for command in commands}
        await eventually(lambda: wanted <= self.outcomes(OutcomeKind.COMMITTED).keys(), f"{len(wanted)} commits")

    def letters(self) -> list[DeadLetter]:
        letters = [codecs.DEAD_LETTERS.decode(message.value()) for message in self._read(DEAD_LETTERS)]
        return [letter for letter in letters if letter.origin.topic == commands_topic(self.identity)]

    def breaker(self) -> str:
        """How the breaker of the identity stands, as the worker has told."""
        changes = [codecs.BREAKERS.decode(message.value()) for message in self._read(BREAKERS)]
        return next((change.state for change in reversed(changes) if change.identity == self.identity), "")

    async def valid_transactions(self) -> Counter[str]:
        """How often each transaction id is VALID on the ledger."""
        found: Counter[str] = Counter()
        async with connect(self.fabric, self.identity) as gateway:
            for number in range(1, await gateway.height()):
                found.update(entry.transaction_id for entry in await gateway.block(number) if entry.code == VALID)
        return found

    async def transaction_ids(self, *commands: RoutedCommand) -> Counter[str]:
        """The id of the first attempt of each."""
        async with connect(self.fabric, self.identity) as gateway:
            return Counter(gateway.propose(command, 0).transaction_id for command in commands)

    def command(self, key: str, function: str = "write", **changes: Any) -> RoutedCommand:
        now, command_id = datetime.now(UTC), str(uuid.uuid4())
        command = RoutedCommand(
            command_id=command_id,
            tenant_id="default",
            command_type="TRANSFER_TOKENS",
            request_id=command_id,
            identity=self.identity,
            contract="Gate",
            function=function,
            arguments=(command_id,),
            ordering_key=key,
            created_at=now,
            captured_at=now,
            routed_at=now,
            captured_from=Origin(topic="gx.public.outbox_commands", partition=0, offset=0),
        )
        return replace(command, **changes)

    def _read(self, topic: str) -> list[Message]:
        return list(read_since(self.broker.bootstrap_servers, topic, BEGAN_AT))

    def _outcomes(self) -> Iterator[Outcome]:
        for message in self._read(RESULTS):
            # Other tests put on the topic what nobody can read.
            with suppress(UnreadableMessage):
                outcome = codecs.OUTCOMES.decode(message.value())
                if outcome.identity == self.identity:
                    yield outcome


@asynccontextmanager
async def bench(broker: Broker, folder: Path, partitions: int = 2) -> AsyncIterator[Bench]:
    """A network and a topic for a new identity; a worker that still runs at the end is killed."""
    identity = f"org1-{uuid.uuid4()}"
    broker.topic(partitions, commands_topic(identity))
    broker.topic(partitions, replays_topic(identity))
    config = SimulatorConfig(
        state=folder / "ledger",
        wallet=folder / "wallet",
        listen=f"{HOST}:{choose_ports(folder / 'ports.json', ['simulator'])['simulator']}",
        identities=(IdentityConfig(name=identity, role="gx_admin"),),
        block_interval_s=0.05,
    )
    create_secret(folder / "nonce-secret")
    bench = Bench(broker, identity, Gate(), folder, config)
    await bench.network_up()
    try:
        yield bench
    finally:
        bench.gate.open.set()
        for worker in bench.workers.values():
            worker.kill()
        await bench.network_down()
