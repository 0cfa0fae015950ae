"""A line that is all evidence and no processes: rows, records and transactions are put there, as if left behind."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Consumer, TopicPartition
from neighbours import Broker, Database, Outbox, supervised
from psycopg import sql
from submit_bench import Bench, bench

from streams.fabric.gateway import Gateway, connect
from streams.kafka import codecs
from streams.kafka.groups import ROUTE, WRITE_BACK, submit_group
from streams.kafka.lag import lags, stretches
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.local.outbox import create_outbox
from streams.local.postgres import OWNER, SINK, SUPERUSER
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand
from streams.operations.reconcile.findings import Finding, Report, Window
from streams.operations.reconcile.gather import Parties
from streams.operations.reconcile.kinds import Kind
from streams.operations.reconcile.notebook import open_notebook
from streams.operations.reconcile.run import Reconciliation
from streams.postgres.profiles import load_profile

PLANT_ROW = Path(__file__).with_name("plant_row.sql")
PROFILE = "snake_case"


@dataclass
class PlantedLine:
    """One identity, one table, topics; `at` gives times: rows are created at 0 s, and 60 s later it is now."""

    bench: Bench
    database: Database
    name: str
    outbox: Outbox
    gateway: Gateway
    cdc_topic: str
    slot_name: str = "capture"
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(seconds=60))

    def at(self, seconds: float) -> datetime:
        return self.began_at + timedelta(seconds=seconds)

    def row(
        self,
        status: str,
        *,
        transaction_id: str | None = None,
        payload: str | None = None,
        changed_at_s: float = 20,
        attempts: int = 1,
    ) -> str:
        """A row in this state; `payload`: what it was changed to after its insert was captured. Its id."""
        command_id = self.outbox.insert(payload='{"amount": "1"}')
        self.change_row(command_id, status, transaction_id, payload, changed_at_s, attempts)
        return command_id

    def change_row(
        self,
        command_id: str,
        status: str,
        transaction_id: str | None = None,
        payload: str | None = None,
        changed_at_s: float = 20,
        attempts: int = 1,
        error_code: str | None = None,
    ) -> None:
        profile = self.outbox.profile
        names: dict[str, sql.Composable] = {name: sql.Identifier(column) for name, column in profile.columns.items()}
        names["table"] = sql.Identifier(profile.schema, profile.table)
        names["status_type"] = sql.Identifier(profile.schema, profile.status_type)
        text: Any = PLANT_ROW.read_text()
        parameters = {
            "command_id": command_id,
            "status": status,
            "attempts": attempts,
            "error_code": error_code,
            "transaction_id": transaction_id,
            "payload": payload,
            "created_at": self.at(0),
            "updated_at": self.at(changed_at_s),
        }
        with self.outbox.connect() as connection:
            connection.execute(sql.SQL(text).format(**names), parameters)

    def event(self, command_id: str, payload: str = '{"amount": "1"}') -> None:
        """As Debezium writes it."""
        row = {
            "id": command_id,
            "tenant_id": "default",
            "service": "test",
            "command_type": "TRANSFER_TOKENS",
            "request_id": command_id,
            "payload": payload,
            "created_at": self.at(0).isoformat(),
        }
        made_at_ms = int(self.at(1).timestamp() * 1000)
        event = {"before": None, "after": row, "source": {"lsn": 1}, "op": "c", "ts_ms": made_at_ms}
        self.bench.broker.produce(self.cdc_topic, json.dumps(event).encode(), timestamp=made_at_ms)

    def command(self, command_id: str) -> RoutedCommand:
        command = self.bench.command("key", command_id=command_id, arguments=(command_id,), created_at=self.at(0))
        return replace(command, captured_at=self.at(1), routed_at=self.at(2))

    def routed(self, command_id: str) -> None:
        self.event(command_id)
        self.bench.produce(0, self.command(command_id))

    def told(self, command_id: str, *kinds: OutcomeKind, transaction_id: str | None = None) -> None:
        """Outcomes, ten seconds after the row."""
        for kind in kinds:
            outcome = Outcome(
                command_id=command_id,
                command_type="TRANSFER_TOKENS",
                kind=kind,
                identity=self.bench.identity,
                transaction_id=transaction_id,
                error="no funds" if kind is OutcomeKind.FAILED else None,
                attempts=1,
                worker="test",
                happened_at=self.at(10),
            )
            self.bench.broker.produce(RESULTS, codecs.OUTCOMES.encode(outcome), key=command_id.encode())

    def letter(self, command_id: str) -> None:
        letter = DeadLetter(
            kind=DeadLetterKind.BUG,
            error_code="BUG",
            cause="for the test",
            command_id=command_id,
            origin=Origin(topic=commands_topic(self.bench.identity), partition=0, offset=0),
            key=None,
            value=None,
            worker="test",
            happened_at=self.at(10),
        )
        self.bench.broker.produce(DEAD_LETTERS, codecs.DEAD_LETTERS.encode(letter))

    async def commit(self, command_id: str) -> str:
        """Bring the command's first attempt onto the ledger; its transaction id."""
        proposal = self.gateway.propose(self.command(command_id), 0)
        commit = await (await proposal.endorse()).submit()
        return (await commit.status()).transaction_id

    def acknowledge(self, *groups: str) -> None:
        """These groups (default: all) have dealt with everything that is in their topics by now."""
        topics = {
            ROUTE: self.cdc_topic,
            submit_group(self.bench.identity): commands_topic(self.bench.identity),
            WRITE_BACK: RESULTS,
        }
        for group in groups or topics:
            held = stretches(self.bench.broker.bootstrap_servers, topics[group])
            consumer = Consumer({"bootstrap.servers": self.bench.broker.bootstrap_servers, "group.id": group})
            ends = [TopicPartition(topics[group], partition, stretch.end) for partition, stretch in held.items()]
            consumer.commit(offsets=ends, asynchronous=False)
            consumer.close()

    @contextmanager
    def slot(self, name: str | None = None) -> Iterator[Callable[[], object]]:
        """A replication slot, of the connector if none is named, that stands still until the call that is given."""
        dsn, slot = self.database.server.dsn(SUPERUSER, self.name), [name or self.slot_name]
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", slot)
            try:
                yield lambda: connection.execute("SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())", slot)
            finally:
                connection.execute("SELECT pg_drop_replication_slot(%s)", slot)

    @contextmanager
    def sink(self) -> Iterator[None]:
        """The real one, on this table."""
        settings = {"STREAMS_POSTGRES__DSN": self.outbox.sink_dsn, "STREAMS_POSTGRES__PROFILE": PROFILE}
        with supervised(self.bench.folder / "sink") as (_, supervisor):
            supervisor.start(self.bench.broker.worker("sink", WRITE_BACK, "sink", settings=settings))
            yield

    @property
    def sink_lag(self) -> int:
        return lags(self.bench.broker.bootstrap_servers, {WRITE_BACK: RESULTS})[0].records

    def reconciliation(self, **changes: Any) -> Reconciliation:
        parties = Parties(
            dsn=self.outbox.dsn,
            profile=self.outbox.profile,
            bootstrap_servers=self.bench.broker.bootstrap_servers,
            cdc_topic=self.cdc_topic,
            slot=self.slot_name,
            identities=(self.bench.identity,),
        )
        usual = Reconciliation(
            parties=parties,
            fabric=self.bench.fabric,
            signers=(self.bench.identity,),
            window=Window(since=self.at(-1), until=datetime.now(UTC) + timedelta(seconds=1)),
            submitted_for=timedelta(seconds=10),
            capture_patience_s=1,
        )
        return replace(usual, **changes)

    async def reconcile(self, **changes: Any) -> tuple[Report, list[Finding]]:
        with open_notebook() as notebook:
            report = await self.reconciliation(**changes).run(notebook)
            return report, list(notebook.findings())

    async def found(self, **changes: Any) -> set[tuple[Kind, str | None]]:
        """(kind, command id or transaction id)."""
        _, findings = await self.reconcile(**changes)
        return {(one.kind, one.command_id or one.transaction_id) for one in findings}


@asynccontextmanager
async def planted_line(broker: Broker, database: Database, folder: Path) -> AsyncIterator[PlantedLine]:
    """With a table, a network and topics of its own; `results` and `dead-letters` are everybody's."""
    profile, name = load_profile(PROFILE), f"reconcile_{uuid.uuid4().hex}"
    create_outbox(database.server, name, profile, publication="outbox")
    outbox = Outbox(profile, database.server.dsn(OWNER, name), database.server.dsn(SINK, name))
    async with bench(broker, folder) as line, connect(line.fabric, line.identity) as gateway:
        yield PlantedLine(line, database, name, outbox, gateway, broker.topic(1))
