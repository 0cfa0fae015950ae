"""Partitions that are given away while the sink has records of them in hand."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from streams.kafka import codecs
from streams.kafka.topics import RESULTS
from streams.messages import Outcome, OutcomeKind
from streams.workers.allowance import Allowance
from streams.workers.sink import Sink

OUTCOME = Outcome(
    command_id="c-1",
    command_type="TRANSFER_TOKENS",
    kind=OutcomeKind.COMMITTED,
    worker="w",
    happened_at=datetime(2026, 1, 2, tzinfo=UTC),
)


class Record:
    """An outcome at an offset of partition 0."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def topic(self) -> str:
        return RESULTS

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return OUTCOME.command_id.encode()

    def value(self) -> bytes:
        return codecs.OUTCOMES.encode(OUTCOME)

    def headers(self) -> None:
        return None

    def error(self) -> None:
        return None


class LosingConsumer:
    """Gives a record with each poll, and loses the partition with the `consume` after the last."""

    def __init__(self, *offsets: int) -> None:
        self.records = [Record(offset) for offset in offsets]
        self.committed: list[int] = []
        self.sink: Sink | None = None

    def poll(self, _: float) -> Record | None:
        if self.records:
            return self.records.pop(0)
        assert self.sink is not None
        self.sink.stop()
        return None

    def consume(self, *_: object, **__: object) -> list[Record]:
        if not self.records and self.sink is not None:
            self.sink.given_away(cast(Any, self), cast(Any, [SimpleNamespace(topic=RESULTS, partition=0)]))
        return []

    def commit(self, *, offsets: list[Any], asynchronous: bool) -> None:
        self.committed += [at.offset for at in offsets]


def test_what_was_polled_of_a_partition_that_is_given_away_meanwhile_is_not_acknowledged() -> None:
    consumer = LosingConsumer(50, 60)
    locked = iter([{OUTCOME.command_id}])
    rows = SimpleNamespace(write=lambda *_: next(locked, set()), disconnect=lambda: None)
    line = Sink(
        consumer=cast(Any, consumer),
        letters=cast(Any, SimpleNamespace(worker="w")),
        told=cast(Any, SimpleNamespace(hold=lambda _: None)),
        allowance=Allowance(10, lambda: 0.0),
        rows=cast(Any, rows),
    )
    consumer.sink = line
    line.run()
    assert consumer.committed == [50]  # where the outcome is whose row is locked
