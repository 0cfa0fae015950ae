"""Rows without an event: Debezium emits them by an incremental snapshot, which a signal asks for.

Debezium documentation, "Sending signals to a Debezium connector": the signal names the rows; the snapshot marks its
windows by inserts into the table of signals, so a publication of inserts is enough. The message key is the command
type, which is not unique: the snapshot must go by the primary key (`surrogate-key`).
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from types import TracebackType

import psycopg
from psycopg import sql

from streams.errors import MalformedCommand, RefusedCommand, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.lag import stretches
from streams.kafka.ranges import Tail, read_range
from streams.kafka.reading import origin_of
from streams.kafka.topics import commands_topic
from streams.ledger import Ledger
from streams.messages import ChangeEvent, Command, Origin
from streams.operations.audit import acting, append, new_action, record
from streams.operations.replay.scan import Tell
from streams.operations.replay.selection import Selection
from streams.operations.status import CONNECT_TIMEOUT_S
from streams.operations.truth import NotKnown, NotThere, ledgers, truth
from streams.postgres.profiles import load_profile
from streams.postgres.rows import Row, waiting_rows
from streams.routes.table import load_routes
from streams.settings import ToolSettings
from streams.stages.capture import capture
from streams.stages.route import route

OLD_ENOUGH = timedelta(seconds=30)
"""A younger row may be on its way to its event."""
UNFINISHED = ("PENDING", "LOCKED")
AT_ONCE = 200
"""Rows of one signal."""
ARRIVES_WITHIN_S = 60.0
POLL_S = 0.2


class RowVerdict(StrEnum):
    """What is done about a row."""

    MISSING = "no event: emit"
    HAS_EVENT = "has an event: skip"
    ON_LEDGER = "no event, on the ledger: see streams reconcile"
    NOT_KNOWN = "no event, the ledger did not tell: skip"


class TablePlan:
    """The rows that have no event, kept in a temporary file. A context manager."""

    def __init__(self, settings: ToolSettings, selection: Selection, tell: Tell) -> None:
        self._settings, self._selection, self._tell = settings, selection, tell
        self._profile = load_profile(settings.postgres.profile)
        self._routes = load_routes(settings.routes)
        self._cdc_topic = self._profile.cdc_topic(settings.kafka.topic_prefix)
        self._counts: Counter[RowVerdict] = Counter()

    def __enter__(self) -> TablePlan:
        self._store = tempfile.NamedTemporaryFile(prefix="streams-rows-", suffix=".sqlite")
        self._connection = sqlite3.connect(self._store.name, isolation_level=None)
        self._connection.execute("CREATE TABLE known (command_id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("CREATE TABLE missing (n INTEGER PRIMARY KEY, command_id TEXT NOT NULL)")
        self._connection.execute("BEGIN")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._connection.close()
        self._store.close()

    @property
    def missing(self) -> int:
        """How many rows would be emitted."""
        return self._counts[RowVerdict.MISSING]

    def counts(self) -> dict[str, int]:
        """Rows by verdict."""
        return {verdict.value: self._counts[verdict] for verdict in RowVerdict if self._counts[verdict]}

    async def make(self) -> None:
        """Compare the rows with the events and the ledger. Raises psycopg.Error, KafkaException, CredentialsInvalid."""
        settings = self._settings
        with psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            # The rows' snapshot before the events are read: a row in it that has an event shows it below.
            rows = waiting_rows(connection, self._profile, sorted(self._selection.statuses) or UNFINISHED, OLD_ENOUGH)
            first = next(rows, None)
            self._note_known()
            async with ledgers(settings.fabric, self._routes.identities) as gateways:
                for row in chain([first], rows) if first is not None else ():
                    await self._look_at(row, gateways)

    def emit(self) -> int:
        """Signal, and wait for the events; how many rows have come. Raises KafkaException."""
        bootstrap_servers = self._settings.kafka.bootstrap_servers
        told = new_action(
            "replay",
            by=acting(self._settings.operator),
            flags={"from-table": "True"},
            counts={"rows": self.missing},
        )
        record(bootstrap_servers, told)
        held = stretches(bootstrap_servers, self._cdc_topic)
        arrived = 0
        with Tail(bootstrap_servers, self._cdc_topic, {p: stretch.end for p, stretch in held.items()}) as tail:
            for batch in self._batches():
                self._signal(batch)
                arrived += self._await(tail, set(batch), arrived)
        return arrived

    def _note_known(self) -> None:
        bootstrap_servers = self._settings.kafka.bootstrap_servers
        for topic in (self._cdc_topic, *map(commands_topic, self._routes.identities)):
            held = stretches(bootstrap_servers, topic)
            total = sum(stretch.end - stretch.first for stretch in held.values())
            for done, message in enumerate(read_range(bootstrap_servers, topic, held), start=1):
                self._tell(topic, done, total)
                command_id = self._command_id(message.value(), origin_of(message))
                if command_id is not None:
                    self._connection.execute("INSERT OR IGNORE INTO known VALUES (?)", (command_id,))

    def _command_id(self, value: bytes | None, origin: Origin) -> str | None:
        try:
            if origin.topic == self._cdc_topic:
                return capture(value, origin=origin, columns=self._profile.columns).command.command_id
            return codecs.ROUTED_COMMANDS.decode(value).command_id
        except MalformedCommand as error:
            return error.command_id
        except UnreadableMessage:
            return None

    async def _look_at(self, row: Row, gateways: Mapping[str, Ledger]) -> None:
        if not self._is_meant(row):
            return
        verdict = await self._verdict(row, gateways)
        self._counts[verdict] += 1
        if verdict is RowVerdict.MISSING:
            self._connection.execute("INSERT INTO missing (command_id) VALUES (?)", (row.command_id,))

    def _is_meant(self, row: Row) -> bool:
        only, route_ = self._selection, self._routes.routes.get(row.command_type)
        is_since = only.since is None or row.created_at >= only.since
        is_until = only.until is None or row.created_at < only.until
        identity = route_.identity if route_ else None
        return (
            is_since
            and is_until
            and only.takes(
                command_id=row.command_id, command_type=row.command_type, tenant_id=row.tenant_id, identity=identity
            )
        )

    async def _verdict(self, row: Row, gateways: Mapping[str, Ledger]) -> RowVerdict:
        if self._connection.execute("SELECT 1 FROM known WHERE command_id = ?", (row.command_id,)).fetchone():
            return RowVerdict.HAS_EVENT
        try:
            command = route(_as_event(row), self._routes, routed_at=datetime.now(UTC))
        except RefusedCommand:
            return RowVerdict.MISSING  # the route worker shall say so in the row
        found = await truth(gateways, command, row.attempts)
        match found:
            case NotThere():
                return RowVerdict.MISSING
            case NotKnown():
                return RowVerdict.NOT_KNOWN
            case _:
                return RowVerdict.ON_LEDGER

    def _batches(self) -> Iterator[list[str]]:
        rows = self._connection.execute("SELECT command_id FROM missing ORDER BY n")
        while batch := [command_id for (command_id,) in rows.fetchmany(AT_ONCE)]:
            yield batch

    def _signal(self, command_ids: Sequence[str]) -> None:
        """Ask for these rows. The key of the record is the prefix of the connector's topics."""
        profile, prefix = self._profile, self._settings.kafka.topic_prefix
        table = f"{profile.schema}.{profile.table}"
        wanted = sql.SQL("{} IN ({})").format(
            sql.Identifier(profile.columns["id"]), sql.SQL(", ").join(map(sql.Literal, command_ids))
        )
        value = {
            "id": str(uuid.uuid4()),
            "type": "execute-snapshot",
            "data": {
                "type": "INCREMENTAL",
                "data-collections": [table],
                "surrogate-key": profile.columns["id"],
                "additional-conditions": [{"data-collection": table, "filter": wanted.as_string(None)}],
            },
        }
        append(
            self._settings.kafka.bootstrap_servers,
            signal_topic(prefix),
            [(prefix.encode(), json.dumps(value).encode(), {})],
        )

    def _await(self, tail: Tail, wanted: set[str], arrived: int) -> int:
        """How many of these have come, when all have or nothing comes any more."""
        count, due_at = len(wanted), time.monotonic() + ARRIVES_WITHIN_S
        while wanted and time.monotonic() < due_at:
            for message in tail.news():
                command_id = self._command_id(message.value(), origin_of(message))
                if command_id in wanted:
                    wanted.discard(command_id)
                    due_at = time.monotonic() + ARRIVES_WITHIN_S
            self._tell("events", arrived + count - len(wanted), self.missing)
            time.sleep(POLL_S if wanted else 0)
        return count - len(wanted)


def signal_topic(topic_prefix: str) -> str:
    """As `connectors/outbox.json` is filled in."""
    return f"{topic_prefix}.cdc.signals"


def _as_event(row: Row) -> ChangeEvent:
    """What its event would say, for the ids under which the ledger may know it."""
    command = Command(
        command_id=row.command_id,
        tenant_id=row.tenant_id,
        service=row.service,
        command_type=row.command_type,
        request_id=row.request_id,
        payload=row.payload,
        created_at=row.created_at,
    )
    origin = Origin(topic="", partition=0, offset=0)
    return ChangeEvent(command=command, lsn=None, captured_at=row.created_at, from_snapshot=True, origin=origin)
