"""Suspicions whose row has moved on since it was read are dropped; what was not captured must be proven not to be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import psycopg

from streams.operations.reconcile.facts import milliseconds
from streams.operations.reconcile.gather import Parties, events
from streams.operations.reconcile.kinds import Kind
from streams.operations.reconcile.notebook import Suspicion
from streams.postgres.reconciling import reader_of_log
from streams.postgres.rows import fetch_rows

BATCH_SIZE = 500
POLL_S = 0.2

T = TypeVar("T")


def unmoved(
    connection: psycopg.Connection[Any], parties: Parties, suspicions: Iterable[Suspicion]
) -> Iterator[Suspicion]:
    """Those whose row is still as it was read; of those without a row, those that have none."""
    for batch in batches(suspicions, BATCH_SIZE):
        rows = fetch_rows(connection, parties.profile, [one.command_id for one in batch])
        for one in batch:
            row = rows.get(one.command_id)
            is_as_read = (
                row is None
                if one.status is None
                else row is not None and (row.status, milliseconds(row.updated_at)) == (one.status, one.changed_at_ms)
            )
            if is_as_read:
                yield one


def capture_has_passed(connection: psycopg.Connection[Any], parties: Parties, position: str, patience_s: float) -> bool:
    """Whether whatever was in the log up to there is in the topic, or never will be.

    A reader confirms what Kafka has, a few seconds later. Where the connector's slot is gone, nobody will read it any
    more; slots of others do not matter.
    """
    deadline = time.monotonic() + patience_s
    while True:
        reader = reader_of_log(connection, parties.profile, parties.slot, position)
        if reader is None or reader.has_passed:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)


@dataclass(slots=True)
class Capture:
    """Tells of rows without an event whether one may still come. Asks once, when the first such row is met."""

    connection: psycopg.Connection[Any]
    parties: Parties
    position: str
    since: datetime
    patience_s: float
    waiting: int = field(default=0, init=False)
    _has_passed: bool | None = field(default=None, init=False)
    _captured: set[str] = field(default_factory=set, init=False)

    def has_missed(self, suspicion: Suspicion) -> bool:
        """True but for a row whose event has come since `since`, or may still come: these are counted as waiting."""
        if suspicion.kind != Kind.ROW_WITHOUT_EVENT:
            return True
        if self._has_passed is None:
            self._has_passed = capture_has_passed(self.connection, self.parties, self.position, self.patience_s)
            self._captured = {event.command_id for event in events(self.parties, self.since, {})}
        if suspicion.command_id in self._captured:
            return False
        self.waiting += not self._has_passed
        return self._has_passed


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to so many items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
