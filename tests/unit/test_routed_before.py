"""How far back a route worker reads what was decided before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.kafka.topics import RETENTION
from streams.messages import ChangeEvent, Command, Origin
from streams.workers.routed_before import LOOK_BACK, look_back_to

CAPTURED_AT = datetime(2026, 1, 2, tzinfo=UTC)
OLDEST = CAPTURED_AT - RETENTION


@pytest.mark.parametrize(
    ("created_at", "since"),
    [
        (CAPTURED_AT - timedelta(hours=1), CAPTURED_AT - timedelta(hours=1)),
        (datetime.min.replace(tzinfo=UTC), OLDEST),
        (datetime(1970, 1, 1, tzinfo=UTC), OLDEST),
        (datetime.max.replace(tzinfo=UTC), CAPTURED_AT),
    ],
)
def test_whatever_time_a_row_carries_no_more_is_read_than_the_topics_keep(
    created_at: datetime, since: datetime
) -> None:
    command = Command(
        command_id="c-1",
        tenant_id="default",
        service="s",
        command_type="MINT",
        request_id="r",
        payload="{}",
        created_at=created_at,
    )
    origin = Origin(topic="gx.public.outbox_commands", partition=0, offset=0)
    change = ChangeEvent(command=command, lsn=1, captured_at=CAPTURED_AT, from_snapshot=False, origin=origin)
    assert look_back_to(change) == since - LOOK_BACK
