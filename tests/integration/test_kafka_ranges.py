"""Reading stretches of a topic, and what was added to it since, on a real broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from neighbours import Broker

from streams.kafka.lag import Stretch, stretches
from streams.kafka.ranges import Tail, acknowledged, offsets_at, read_range

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def values(count: int, start: int = 0) -> list[bytes]:
    return [str(number).encode() for number in range(start, start + count)]


def test_a_range_holds_its_stretch_of_each_partition_and_no_more(broker: Broker) -> None:
    topic = broker.topic(2)
    for partition in range(2):
        broker.produce(topic, *values(10), partition=partition)
    wanted = {0: Stretch(2, 5), 1: Stretch(9, 9)}
    read = [(message.partition(), message.value()) for message in read_range(broker.bootstrap_servers, topic, wanted)]
    assert read == [(0, value) for value in values(3, start=2)]


def test_a_tail_tells_each_record_once_whenever_it_came(broker: Broker) -> None:
    topic = broker.topic(1)
    broker.produce(topic, *values(3))
    told: list[bytes | None] = []
    with Tail(broker.bootstrap_servers, topic, {0: 1}) as tail:
        for message in tail.news():
            if not told:
                broker.produce(topic, *values(4, start=3))  # while it reads
            told.append(message.value())
        for _ in range(2):
            told += [message.value() for message in tail.news()]
        assert told == values(6, start=1)
        assert list(tail.news()) == []


def test_a_time_is_the_first_offset_that_is_not_earlier_and_the_end_behind_all(broker: Broker) -> None:
    topic = broker.topic(1)
    for minute in range(3):
        at = AT + timedelta(minutes=minute)
        broker.produce(topic, b"", timestamp=int(at.timestamp() * 1000))
    held = stretches(broker.bootstrap_servers, topic)
    asked = [AT, AT + timedelta(seconds=61), AT + timedelta(hours=1)]
    assert [offsets_at(broker.bootstrap_servers, topic, held, at)[0] for at in asked] == [0, 2, 3]


def test_a_group_that_never_acknowledged_stands_at_the_beginning(broker: Broker) -> None:
    topic = broker.topic(1)
    broker.produce(topic, *values(2))
    held = stretches(broker.bootstrap_servers, topic)
    assert acknowledged(broker.bootstrap_servers, "nobody", topic, held) == {0: 0}
