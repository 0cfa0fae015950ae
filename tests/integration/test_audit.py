"""The audit of status changes sees each one, and does not keep the sink from making it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from audit import audit, status_history
from neighbours import Outbox

from streams.messages import Outcome, OutcomeKind
from streams.postgres.rows import apply_updates
from streams.stages.write_back import write_back


@pytest.fixture
def owner(outbox: Outbox) -> Iterator[psycopg.Connection[Any]]:
    with outbox.connect() as connection:
        audit(connection, outbox.profile)
        try:
            yield connection
        finally:
            connection.execute("DROP TABLE status_history")
            connection.execute("DROP FUNCTION record_status CASCADE")


def test_each_status_that_the_sink_gives_a_row_is_written_down_once(
    outbox: Outbox, owner: psycopg.Connection[Any]
) -> None:
    committed, failed = outbox.insert_many(2)
    stories = {
        committed: ("waiting", "submitted", "parked", "submitted", "committed", "failed"),
        failed: ("failed", "failed", "committed"),
    }
    with psycopg.connect(outbox.sink_dsn, autocommit=True) as sink:
        for command_id, kinds in stories.items():
            for kind in kinds:
                apply_updates(sink, outbox.profile, write_back([outcome(command_id, kind)]))
    assert status_history(owner, committed) == ["PENDING", "SUBMITTED", "COMMITTED"]
    assert status_history(owner, failed) == ["PENDING", "FAILED"]


def outcome(command_id: str, kind: str) -> Outcome:
    return Outcome(
        command_id=command_id,
        command_type="MINT",
        kind=OutcomeKind(kind),
        error=None if kind == "committed" else kind,
        worker="test",
        happened_at=datetime.now(UTC),
    )
