"""Records that were left out are noticed; numbers that Kafka itself leaves out are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from streams.errors import PipelineError
from streams.workers.unbroken import Unbroken


@dataclass(frozen=True)
class Message:
    offset: int
    generation_id: int = 1
    topic: str = "topic"
    partition: int = 0

    @property
    def tp(self) -> tuple[str, int]:
        return self.topic, self.partition


class Kafka:
    """A partition whose group has committed an offset and whose numbers have no gaps but these."""

    def __init__(self, committed: int | None, *gaps: int) -> None:
        self.committed, self.gaps, self.asked = committed, gaps, 0
        self.unbroken = Unbroken(lambda _: self.committed, self.next_there)

    def next_there(self, topic: str, partition: int, offset: int) -> int:
        self.asked += 1
        while offset in self.gaps:
            offset += 1
        return offset

    async def take(self, *messages: Any) -> None:
        for message in messages:
            await self.unbroken.check(message)


async def test_one_record_after_the_other_is_taken_without_asking_anybody() -> None:
    kafka = Kafka(115)
    await kafka.take(*map(Message, range(115, 120)))
    assert kafka.asked == 0


async def test_a_record_left_out_between_two_is_noticed() -> None:
    kafka = Kafka(115)
    await kafka.take(Message(115))
    with pytest.raises(PipelineError, match=r"offset 116 of .* was left out, 117 came instead"):
        await kafka.take(Message(117))


@pytest.mark.parametrize(("committed", "first"), [(115, 116), (None, 1), (0, 1)])
async def test_a_record_left_out_at_the_beginning_of_an_assignment_is_noticed(
    committed: int | None, first: int
) -> None:
    with pytest.raises(PipelineError, match=f"offset {committed or 0} of .* was left out"):
        await Kafka(committed).take(Message(first))


async def test_an_assignment_begins_at_what_is_committed_whatever_was_taken_in_the_one_before() -> None:
    kafka = Kafka(5)
    await kafka.take(Message(5))
    kafka.committed = 90  # by another member
    await kafka.take(Message(90, generation_id=3))
    kafka.committed = 89
    with pytest.raises(PipelineError):
        await kafka.take(Message(91, generation_id=5))


async def test_a_record_that_comes_again_is_no_gap_and_neither_is_the_one_behind_it() -> None:
    kafka = Kafka(5)
    await kafka.take(*map(Message, (5, 6, 7, 6, 7, 8)))
    assert kafka.asked == 0


async def test_partitions_are_counted_each_for_itself() -> None:
    await Kafka(5).take(Message(5), Message(5, partition=1), Message(6), Message(6, partition=1))


@pytest.mark.parametrize("committed", [None, 3])
async def test_what_was_removed_or_marks_a_transaction_is_not_missed(committed: int | None) -> None:
    kafka = Kafka(committed, 0, 1, 2, 3, 4, 7)
    await kafka.take(*map(Message, (5, 6, 8)))
    with pytest.raises(PipelineError):
        await kafka.take(Message(10))
