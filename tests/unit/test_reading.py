"""Reading a topic to its end leaves out no partition, also while a broker starts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka import reading
from streams.kafka.reading import EPOCH, read_since


@dataclass
class Record:
    place: int

    def error(self) -> None:
        return None

    def partition(self) -> int:
        return self.place

    def topic(self) -> str:
        return "results"

    def offset(self) -> int:
        return 0


@dataclass
class ScriptedConsumer:
    """Two partitions with one record each; `troubles` are what the first questions meet, in order."""

    troubles: deque[KafkaError | tuple[int, KafkaError]]
    records: deque[Record] = field(default_factory=deque)

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions={0: None, 1: None})})

    def offsets_for_times(self, wanted: list[Any], timeout: float) -> list[Any]:
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, KafkaError):
            raise KafkaException(trouble)
        broken, error = trouble or (None, None)
        return [
            SimpleNamespace(
                topic=each.topic,
                partition=each.partition,
                offset=-1001 if each.partition == broken else 0,
                error=error if each.partition == broken else None,
            )
            for each in wanted
        ]

    def get_watermark_offsets(self, partition: Any, timeout: float) -> tuple[int, int]:
        return 0, 1

    def assign(self, starts: list[Any]) -> None:
        self.records.extend(Record(start.partition) for start in starts)

    def poll(self, timeout: float) -> Record | None:
        return self.records.popleft() if self.records else None

    def consume(self, most: int, timeout: float) -> list[Record]:
        return [self.records.popleft() for _ in range(min(most, len(self.records)))]

    def position(self, partitions: list[Any]) -> list[Any]:
        unread = {record.place for record in self.records}
        return [SimpleNamespace(partition=p.partition, offset=int(p.partition not in unread)) for p in partitions]

    def close(self) -> None:
        pass


def partitions_read(
    monkeypatch: pytest.MonkeyPatch, *troubles: KafkaError | tuple[int, KafkaError]
) -> list[int | None]:
    monkeypatch.setattr(reading, "Consumer", lambda _: ScriptedConsumer(deque(troubles)))
    return [record.partition() for record in read_since("nowhere", "results", EPOCH)]


@pytest.mark.parametrize("code", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE])
def test_a_partition_without_a_leader_is_waited_for_and_not_left_out(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    assert partitions_read(monkeypatch, (1, KafkaError(code)), (0, KafkaError(code))) == [0, 1]


def test_partitions_that_a_starting_broker_does_not_know_yet_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert partitions_read(monkeypatch, KafkaError(KafkaError._UNKNOWN_PARTITION)) == [0, 1]


def test_an_error_of_one_partition_is_an_error_of_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaException):
        partitions_read(monkeypatch, (1, KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
