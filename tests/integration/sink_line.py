"""The sink as a process between a real Kafka and Postgres, for the tests of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from neighbours import Broker, Database, Outbox, supervised, until
from psycopg import sql

from streams.kafka import codecs
from streams.kafka.groups import WRITE_BACK
from streams.kafka.lag import lags
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS
from streams.local.supervisor import Supervisor
from streams.messages import DeadLetter, Outcome, OutcomeKind
from streams.postgres.rows import Row
from streams.telemetry import Event


@dataclass
class Line:
    """The sink between its two neighbours."""

    broker: Broker
    database: Database
    outbox: Outbox
    supervisor: Supervisor
    log: Path
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def tell(self, command_id: str, *kinds: OutcomeKind, key: bytes | None = None) -> None:
        """Outcomes of one command, in this order; `key` decides the partition."""
        values = [codecs.OUTCOMES.encode(outcome(command_id, kind)) for kind in kinds]
        self.broker.produce(RESULTS, *values, key=key or command_id.encode())

    @property
    def lag(self) -> int:
        return lags(self.broker.bootstrap_servers, {WRITE_BACK: RESULTS})[0].records

    def wait_for(self, command_ids: list[str], status: str) -> list[Row]:
        def arrived() -> bool:
            rows = self.outbox.rows(*command_ids)
            return all(rows[i].status == status for i in command_ids)

        until(arrived, f"{status} in {len(command_ids)} rows", self.look)
        rows = self.outbox.rows(*command_ids)
        return [rows[i] for i in command_ids]

    def look(self) -> None:
        self.supervisor.look()
        self.database.supervisor.look()

    def wait_until_settled(self) -> None:
        until(lambda: self.lag == 0, "every outcome acknowledged", self.look)

    def letters(self) -> list[DeadLetter]:
        messages = read_since(self.broker.bootstrap_servers, DEAD_LETTERS, self.began_at)
        return [codecs.DEAD_LETTERS.decode(message.value()) for message in messages]

    def restart_after(self, number: signal.Signals) -> None:
        """End the sink; it is started again."""
        before = self.supervisor.pid("sink")
        os.kill(before, number)
        until(lambda: self.supervisor.pid("sink") != before, "a new sink", self.look)
        self.supervisor.wait_healthy("sink")

    def said(self, event: Event) -> list[Any]:
        """The log lines of this event."""
        lines = (json.loads(text) for text in self.log.read_text().splitlines())
        return [line for line in lines if line["event"] == event]


def outcome(command_id: str, kind: OutcomeKind) -> Outcome:
    return Outcome(
        command_id=command_id,
        command_type="TRANSFER_TOKENS",
        kind=kind,
        transaction_id=f"transaction of {command_id}",
        block_number=7 if kind is OutcomeKind.COMMITTED else None,
        error_code="CHAINCODE_REFUSED" if kind is OutcomeKind.FAILED else None,
        error="insufficient funds" if kind is OutcomeKind.FAILED else None,
        attempts=1,
        worker="test",
        happened_at=datetime.now(UTC),
    )


@contextmanager
def refusing(line: Line, command_id: str, state: str) -> Iterator[None]:
    """Updates of the row end with this SQLSTATE."""
    outbox, text = line.outbox, Path(__file__).with_name("refusing_trigger.sql").read_text()
    table = sql.Identifier(outbox.profile.schema, outbox.profile.table)
    column = sql.Identifier(outbox.profile.columns["id"])
    made: Any = sql.SQL(cast(Any, text)).format(
        command_id=sql.Literal(command_id), state=sql.Literal(state), table=table, id=column
    )
    with outbox.connect() as connection:
        connection.execute(made)
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION refuse CASCADE")


@contextmanager
def running_sink(broker: Broker, database: Database, outbox: Outbox, folder: Path, **settings: str) -> Iterator[Line]:
    settings |= {"STREAMS_POSTGRES__DSN": outbox.sink_dsn, "STREAMS_POSTGRES__PROFILE": outbox.profile.name}
    with supervised(folder) as (paths, supervisor):
        supervisor.start(broker.worker("sink", WRITE_BACK, "sink", settings=settings))
        yield Line(broker, database, outbox, supervisor, paths.logs / "sink.log")
