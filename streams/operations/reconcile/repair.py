"""Findings -> what puts them right: outcomes with the ledger's truth are published, the sink writes them.

Whether the row may still change is the sink's guard to decide, as for every outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import psycopg

from streams.kafka import codecs
from streams.kafka.places import records_at
from streams.kafka.topics import RESULTS
from streams.messages import Origin, Outcome, OutcomeKind
from streams.operations.audit import append
from streams.operations.reconcile.facts import Told
from streams.operations.reconcile.findings import Finding
from streams.operations.reconcile.gather import Parties
from streams.operations.reconcile.kinds import Remedy
from streams.operations.reconcile.second_look import batches
from streams.operations.replay.from_table import TablePlan
from streams.operations.replay.scan import Tell
from streams.operations.replay.selection import Selection
from streams.postgres.rows import Row, fetch_rows
from streams.settings import ToolSettings
from streams.stages.write_back import FINAL

WORKER = "streams reconcile"
BATCH_SIZE = 500
EMITTED_AT_ONCE = 20_000
WRITTEN_WITHIN_S = 60.0
POLL_S = 0.2
UNCURED = "NOT_VALID_ON_LEDGER"


def publish(parties: Parties, findings: Iterable[Finding]) -> Iterator[list[str]]:
    """Publish an outcome for each finding of remedy `write`; the command ids, a batch at a time.

    Raises confluent_kafka.KafkaException when the brokers do not take them: then nothing is lost by a second repair.
    """
    wanted = (found for found in findings if found.remedy is Remedy.WRITE)
    for batch in batches(wanted, BATCH_SIZE):
        values = [(found, _value(parties, found)) for found in batch]
        records: list[tuple[bytes | None, bytes, Mapping[str, str]]] = [
            ((found.command_id or "").encode(), value, {}) for found, value in values if value is not None
        ]
        append(parties.bootstrap_servers, RESULTS, records)
        yield [found.command_id for found, value in values if value is not None and found.command_id]


async def emit(settings: ToolSettings, findings: Iterable[Finding], tell: Tell) -> tuple[int, int]:
    """Have Debezium read the rows of remedy `emit`: (rows that lack an event, rows that have one now).

    The plan looks for their events and at the ledger once more. Raises psycopg.Error, KafkaException.
    """
    wanted = (found for found in findings if found.remedy is Remedy.EMIT and found.command_id and found.status)
    lacking = emitted = 0
    for batch in batches(wanted, EMITTED_AT_ONCE):
        selection = Selection(
            command_ids=frozenset(found.command_id for found in batch if found.command_id),
            statuses=frozenset(found.status for found in batch if found.status),
        )
        with TablePlan(settings, selection, tell) as plan:
            await plan.make()
            lacking += len(batch)
            emitted += plan.emit({"from-table": "True", "by": WORKER}) if plan.missing else 0
    return lacking, emitted


def wait_until_final(
    connection: psycopg.Connection[object], parties: Parties, command_ids: list[str], timeout_s: float
) -> dict[str, Row]:
    """The rows of these commands that are still not final when the time is over; none: the sink has written all."""
    deadline = time.monotonic() + timeout_s
    while True:
        rows = fetch_rows(connection, parties.profile, command_ids)
        open_rows = {command_id: row for command_id, row in rows.items() if row.status not in FINAL}
        if not open_rows or time.monotonic() > deadline:
            return open_rows
        time.sleep(POLL_S)


def outcome_of(found: Finding, told: Callable[[Told], Outcome | None], now: Callable[[], datetime]) -> Outcome | None:
    """What to publish: always the ledger's answer; `told` reads what a worker told.

    A VALID transaction is a commit, whatever was told. Where there is none, only a failure can be told: in the words of
    the worker who told it of this command, else in the ledger's, which must hold a refusal. None: nothing is provable.
    """
    if found.block_number is not None:
        return committed(found, now)
    at = None if found.told_at is None else Told.parse(found.told_at)
    outcome = told(at) if at is not None and at.kind == OutcomeKind.FAILED else None
    if outcome is not None and (outcome.kind, outcome.command_id) == (OutcomeKind.FAILED, found.command_id):
        return outcome
    return failed(found, now) if found.is_refused else None


def _value(parties: Parties, found: Finding) -> bytes | None:
    outcome = outcome_of(found, lambda at: _told(parties, at), lambda: datetime.now(UTC))
    return codecs.OUTCOMES.encode(outcome) if outcome is not None else None


def _told(parties: Parties, at: Told) -> Outcome | None:
    """None: the record is gone."""
    place = Origin(topic=RESULTS, partition=at.partition, offset=at.offset)
    message = next(iter(records_at(parties.bootstrap_servers, [place])), None)
    return codecs.OUTCOMES.decode(message.value()) if message is not None else None


def committed(found: Finding, now: Callable[[], datetime]) -> Outcome:
    """The commit that the ledger holds."""
    return Outcome(
        command_id=found.command_id or "",
        command_type=found.command_type or "",
        kind=OutcomeKind.COMMITTED,
        identity=found.identity,
        transaction_id=found.transaction_id,
        block_number=found.block_number,
        worker=WORKER,
        happened_at=now(),
    )


def failed(found: Finding, now: Callable[[], datetime]) -> Outcome:
    """The refusal that the ledger holds, which no new attempt cures."""
    return Outcome(
        command_id=found.command_id or "",
        command_type=found.command_type or "",
        kind=OutcomeKind.FAILED,
        identity=found.identity,
        transaction_id=found.transaction_id,
        error_code=UNCURED,
        error=f"the ledger {found.truth}",
        worker=WORKER,
        happened_at=now(),
    )
