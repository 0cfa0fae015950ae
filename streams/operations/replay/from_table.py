"""Rows without an event: Debezium emits them in a snapshot of its own, which a signal asks for.

Debezium documentation, "Sending signals to a Debezium connector". An incremental snapshot drops all but one of the rows
of a chunk that share a message key, and our key is the command type (seen: one of three rows came). So the snapshot is
a blocking one: the stream stands still for the milliseconds in which the named rows are read by their primary key, and
needs no more than SELECT on the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from types import TracebackType
from typing import Any

import psycopg
from confluent_kafka import Message

from streams.errors import MalformedCommand, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.lag import stretches
from streams.kafka.ranges import read_range
from streams.kafka.reading import origin_of
from streams.kafka.topics import commands_topic
from streams.ledger import Ledger
from streams.operations.audit import acting, new_action, record
from streams.operations.reconcile.gather import parties_of
from streams.operations.reconcile.second_look import capture_has_passed
from streams.operations.replay.emission import Emission
from streams.operations.replay.row_verdicts import UNFINISHED, RowJudgement, RowVerdict, judge_row
from streams.operations.replay.scan import Tell
from streams.operations.replay.selection import Selection
from streams.operations.replay.table_rows import HeldBack, TableRows
from streams.operations.status import CONNECT_TIMEOUT_S
from streams.operations.truth import ledgers
from streams.postgres.profiles import load_profile
from streams.postgres.reconciling import end_of_log
from streams.postgres.rows import Row, waiting_rows
from streams.routes.table import load_routes
from streams.settings import ToolSettings
from streams.stages.capture import capture

OLD_ENOUGH = timedelta(seconds=30)
"""A younger row may be on its way to its event."""
AT_ONCE = 200
"""Rows of one signal."""


class TablePlan:
    """The rows that have no event, kept in a temporary file. A context manager."""

    def __init__(self, settings: ToolSettings, selection: Selection, tell: Tell) -> None:
        self._settings, self._selection, self._tell = settings, selection, tell
        self._profile = load_profile(settings.postgres.profile)
        self._routes = load_routes(settings.routes)
        self._cdc_topic = self._profile.cdc_topic(settings.kafka.topic_prefix)
        self._counts: Counter[RowVerdict] = Counter()

    def __enter__(self) -> TablePlan:
        self._rows = TableRows()
        return self

    def __exit__(self, *exception: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._rows.__exit__(*exception)

    @property
    def missing(self) -> int:
        """How many rows would be emitted."""
        return self._counts[RowVerdict.MISSING]

    def counts(self) -> dict[str, int]:
        """Rows by verdict."""
        return {verdict.value: self._counts[verdict] for verdict in RowVerdict if self._counts[verdict]}

    def held_back(self) -> Iterator[HeldBack]:
        """The rows without an event that are not emitted, and why."""
        return self._rows.held_back()

    async def make(self) -> None:
        """Compare the rows with the events and the ledger. Raises psycopg.Error, KafkaException, CredentialsInvalid."""
        settings = self._settings
        with psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            # The rows' snapshot before the events are read: a row in it that has an event shows it below.
            rows = waiting_rows(connection, self._profile, sorted(self._selection.statuses) or UNFINISHED, OLD_ENOUGH)
            first = next(rows, None)
            has_passed = first is None or self._capture_has_passed(connection)
            self._note_known()
            async with ledgers(settings.fabric, self._routes.identities) as gateways:
                for row in chain([first], rows) if first is not None else ():
                    if self._is_meant(row):
                        self._note(row, await self._judged(row, gateways, has_passed=has_passed))

    def emit(self, flags: Mapping[str, str], most: int | None = None) -> int:
        """Have the first `most` rows emitted (None: all), and wait for the events; how many have come.

        `flags` are for the record of what operators do. Raises KafkaException.
        """
        settings = self._settings
        wanted = self.missing if most is None else min(self.missing, most)
        counts = {"rows": wanted, "missing": self.missing}
        told = new_action("replay", by=acting(settings.operator), flags=flags, counts=counts)
        record(settings.kafka.bootstrap_servers, told)
        emission = Emission(
            bootstrap_servers=settings.kafka.bootstrap_servers,
            topic_prefix=settings.kafka.topic_prefix,
            profile=self._profile,
            command_id_of=self._command_id,
            total=wanted,
            tell=self._tell,
        )
        return emission.run(self._rows.missing(most, AT_ONCE))

    def _note_known(self) -> None:
        bootstrap_servers = self._settings.kafka.bootstrap_servers
        for topic in (self._cdc_topic, *map(commands_topic, self._routes.identities)):
            held = stretches(bootstrap_servers, topic)
            total = sum(stretch.end - stretch.first for stretch in held.values())
            for done, message in enumerate(read_range(bootstrap_servers, topic, held), start=1):
                self._tell(topic, done, total)
                command_id = self._command_id(message)
                if command_id is not None:
                    self._rows.note_known(command_id)

    def _command_id(self, message: Message) -> str | None:
        value, origin = message.value(), origin_of(message)
        try:
            if origin.topic == self._cdc_topic:
                return capture(value, origin=origin, columns=self._profile.columns).command.command_id
            return codecs.ROUTED_COMMANDS.decode(value).command_id
        except MalformedCommand as error:
            return error.command_id
        except UnreadableMessage:
            return None

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

    def _capture_has_passed(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether the events of all rows in the snapshot, if they have one, can be read from now on."""
        position, parties = end_of_log(connection, self._profile), parties_of(self._settings)
        return capture_has_passed(connection, parties, position, self._settings.reconcile.capture_patience_s)

    async def _judged(self, row: Row, gateways: Mapping[str, Ledger], *, has_passed: bool) -> RowJudgement:
        if self._rows.is_known(row.command_id):
            return RowJudgement(RowVerdict.HAS_EVENT)
        if not has_passed:
            return RowJudgement(RowVerdict.UNDER_WAY, "its event may still come: does the connector run?")
        return await judge_row(row, self._routes, gateways)

    def _note(self, row: Row, judgement: RowJudgement) -> None:
        self._counts[judgement.verdict] += 1
        if judgement.verdict is RowVerdict.MISSING:
            self._rows.note_missing(row.command_id)
        elif judgement.verdict is not RowVerdict.HAS_EVENT:
            told = HeldBack(
                command_id=row.command_id,
                status=row.status,
                transaction_id=row.transaction_id,
                verdict=judgement.verdict.value,
                reason=judgement.reason,
            )
            self._rows.hold_back(told)
