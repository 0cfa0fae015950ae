"""Following a topic, a look at a time, on a real broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from neighbours import DEADLINE_S, Broker, until

from streams.kafka.tail import Tail


@pytest.fixture
def topic(broker: Broker) -> str:
    return broker.topic(2)


@pytest.fixture
def tail(broker: Broker, topic: str) -> Iterator[Tail]:
    with closing(Tail(broker.bootstrap_servers, topic)) as tail:
        yield tail


def look(tail: Tail) -> list[tuple[int, int, bytes | None]]:
    """(partition, offset, value) of what has come since the last look, in order."""
    return sorted((record.partition, record.offset, record.value) for record in tail.read(DEADLINE_S))


def test_each_look_brings_what_has_been_added(broker: Broker, topic: str, tail: Tail) -> None:
    assert look(tail) == []
    broker.produce(topic, b"one", b"two")
    broker.produce(topic, b"other", None, partition=1)
    first = {value for _, _, value in look(tail)}
    assert {b"one", b"two", b"other", None} == first
    assert look(tail) == []
    broker.produce(topic, b"three", partition=1, timestamp=5_000)
    (record,) = tail.read(DEADLINE_S)
    assert (record.value, record.written_s, tail.behind) == (b"three", 5.0, 0)


def test_what_is_no_record_holds_nobody_up(broker: Broker, topic: str, tail: Tail) -> None:
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": str(uuid.uuid4()), "log_level": 0}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"in a transaction", partition=0)
    producer.commit_transaction(30)
    found: list[tuple[int, int, bytes | None]] = []
    # The broker ends the transaction a moment after it has said so.
    until(lambda: bool(found), "the record", lambda: found.extend(look(tail)))
    assert found == [(0, 0, b"in a transaction")]
    assert look(tail) == []
    assert tail.behind == 0


def test_what_was_removed_is_told_and_passed_over(broker: Broker, topic: str, tail: Tail) -> None:
    broker.produce(topic, b"0", b"1", b"2", b"3", partition=0)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for future in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        future.result()
    assert look(tail) == [(0, 2, b"2"), (0, 3, b"3")]
    assert tail.first_offsets == {0: 2, 1: 0}


def test_a_look_that_has_no_time_left_says_how_much_it_left(broker: Broker, topic: str, tail: Tail) -> None:
    broker.produce(topic, *[b"record"] * 7, partition=0)
    assert list(tail.read(0.0)) == []
    assert tail.behind == 7
    assert len(look(tail)) == 7


def test_a_topic_that_is_missing_is_an_error(broker: Broker) -> None:
    with closing(Tail(broker.bootstrap_servers, "no-such-topic")) as tail, pytest.raises(KafkaException):
        look(tail)
