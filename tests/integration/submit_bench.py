"""A submit worker between a real Kafka and a simulated network whose chaincode can be made to wait."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Consumer, Message, TopicPartition
from neighbours import Broker, eventually

from streams.chaincode.state import ChaincodeRefused, State
from streams.errors import UnreadableMessage
from streams.fabric.gateway import connect
from streams.fabric.ids import create_secret
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.ledger import VALID
from streams.local.process import Child
from streams.messages import DeadLetter, Origin, Outcome, OutcomeKind, RoutedCommand
from streams.settings import FabricSettings
from streams.simulator.config import IdentityConfig, SimulatorConfig
from streams.simulator.server import Simulator

BEGAN_AT = datetime.now(UTC)


class Gate:
    """A chaincode that notes its calls.

    While the gate is shut, a call of `wait` does not answer and one of `ask` is refused.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.called: list[str] = []

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes | Awaitable[bytes]:
        (command_id,) = arguments
        self.called.append(command_id)
        if function == "Gate:ask" and not self.open.is_set():
            raise ChaincodeRefused("the gate is shut")
        state.put(command_id, b"done")
        return self._wait() if function == "Gate:wait" else b"done"

    async def _wait(self) -> bytes:
        await self.open.wait()
        return b"done"


@dataclass
class Bench:
    """One identity with its topic, its network and its worker; `child` is the worker that runs."""

    broker: Broker
    identity: str
    gate: Gate
    fabric: FabricSettings
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    child: Child | None = None

    def produce(self, partition: int, *commands: RoutedCommand) -> None:
        values = [codecs.ROUTED_COMMANDS.encode(command) for command in commands]
        self.produce_raw(partition, *values)

    def produce_raw(self, partition: int, *values: bytes | None) -> list[Message]:
        return self.broker.produce(commands_topic(self.identity), *values, key=b"key", partition=partition)

    async def start(self) -> None:
        """A worker; returns when it is a member of its group."""
        fabric = self.fabric.model_dump(include={"gateway", "tls_ca_file", "wallet", "nonce_secret_file"})
        settings = {f"STREAMS_FABRIC__{name.upper()}": str(value) for name, value in fabric.items()}
        group, arguments = submit_group(self.identity), ("worker", "submit", "--identity", self.identity)
        process = self.broker.worker(f"worker-{self.identity}", group, *arguments, settings=settings | self.settings)
        self.child = child = Child(process, self.log)

        def is_up() -> bool:
            assert child.exit_code is None, child.tail()
            return process.healthy()

        await eventually(is_up, "a worker in its group")

    def send(self, number: signal.Signals) -> None:
        assert self.child is not None
        os.kill(self.child.pid, number)

    async def ended(self) -> int:
        """Wait until the worker has ended; its exit code."""
        assert self.child is not None
        child = self.child
        await eventually(lambda: child.exit_code is not None, "the end of the worker")
        self.child = None
        return child.exit_code or 0

    def has_noticed(self, number: signal.Signals) -> bool:
        """The signal was delivered (proc(5), /proc/pid/status: ShdPnd)."""
        assert self.child is not None
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
        return not int(pending.split()[1], 16) & 1 << (number - 1)

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

    def command(self, key: str, function: str = "write") -> RoutedCommand:
        now, command_id = datetime.now(UTC), str(uuid.uuid4())
        return RoutedCommand(
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
async def bench(broker: Broker, folder: Path) -> AsyncIterator[Bench]:
    """A network and a topic for a new identity; a worker that still runs at the end is killed."""
    identity = f"org1-{uuid.uuid4()}"
    broker.topic(2, commands_topic(identity))
    gate = Gate()
    config = SimulatorConfig(
        state=folder / "ledger",
        wallet=folder / "wallet",
        identities=(IdentityConfig(name=identity, role="gx_admin"),),
        block_interval_s=0.05,
    )
    async with Simulator(config, gate) as simulator:
        create_secret(folder / "nonce-secret")
        fabric = FabricSettings(
            gateway=simulator.address,
            tls_ca_file=config.wallet / "tlsca-cert",
            wallet=config.wallet,
            nonce_secret_file=folder / "nonce-secret",
        )
        bench = Bench(broker, identity, gate, fabric, folder / "worker.log")
        try:
            yield bench
        finally:
            gate.open.set()
            if bench.child is not None:
                bench.child.kill()
