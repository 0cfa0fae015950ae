"""Topics, lag, reading and codecs against a real broker."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from neighbours import Broker

from streams.errors import StackFailed
from streams.kafka import codecs
from streams.kafka.lag import Lag, lags
from streams.kafka.reading import CLOCK_SKEW, origin_of, read_on, read_since
from streams.kafka.topics import Topic, create_topics, line_topics
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand

NOW = datetime.now(UTC)
MOMENT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
ORIGIN = Origin(topic="gx.public.outbox_commands", partition=0, offset=2**40)


def partitions(broker: Broker) -> dict[str, int]:
    topics = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0}).list_topics(timeout=10).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}


def commit(broker: Broker, group: str, topic: str, offsets: dict[int, int]) -> None:
    """As a group's reader does."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": group, "log_level": 0})
    at = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    consumer.commit(offsets=at, asynchronous=False)
    consumer.close()


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_the_topics_of_the_line_are_created_once_and_stay_as_they_are(broker: Broker) -> None:
    identity = str(uuid.uuid4())
    cdc_topic = f"gx.public.{identity}"
    create_topics(broker.bootstrap_servers, line_topics([identity], cdc_topic, 3))
    broker.produce(f"commands.{identity}", b"kept")

    create_topics(broker.bootstrap_servers, line_topics([identity], cdc_topic, 5))

    found = partitions(broker)
    assert (found[cdc_topic], found[f"commands.{identity}"], found["dead-letters"]) == (1, 3, 1)
    assert [m.value() for m in read_since(broker.bootstrap_servers, f"commands.{identity}", NOW)] == [b"kept"]


def test_a_topic_that_kafka_refuses_is_named(broker: Broker) -> None:
    with pytest.raises(StackFailed, match=r"topic not a name! cannot be created: .*"):
        create_topics(broker.bootstrap_servers, [Topic("not a name!", 1)])


def test_lag_is_what_was_produced_and_not_yet_committed(broker: Broker) -> None:
    topic, group = broker.topic(3), str(uuid.uuid4())
    for partition, count in enumerate((4, 5, 6)):
        broker.produce(topic, *[b"record"] * count, partition=partition)

    def lag() -> Lag:
        return lags(broker.bootstrap_servers, {group: topic})[0]

    assert lag() == Lag(group=group, topic=topic, records=15, end_offset=15)
    commit(broker, group, topic, {0: 4, 1: 2})
    assert lag().records == 0 + 3 + 6
    broker.produce(topic, b"one more", partition=0)
    assert lag() == Lag(group=group, topic=topic, records=1 + 3 + 6, end_offset=16)
    commit(broker, group, topic, {0: 5, 1: 5, 2: 6})
    assert lag().records == 0


def test_the_lag_on_a_missing_topic_is_an_error(broker: Broker) -> None:
    with pytest.raises(KafkaException):
        lags(broker.bootstrap_servers, {"group": "no such topic"})


def test_reading_takes_all_partitions_from_a_time_on_and_ends(broker: Broker) -> None:
    topic = broker.topic(3)
    before = milliseconds(NOW - CLOCK_SKEW - timedelta(seconds=1))
    for partition in range(3):
        broker.produce(topic, b"before", partition=partition, timestamp=before)
        broker.produce(topic, f"after {partition}".encode(), partition=partition, timestamp=milliseconds(NOW))

    reading = read_since(broker.bootstrap_servers, topic, NOW)
    found = [next(reading)]
    broker.produce(topic, b"too late", partition=1)
    found += reading

    assert sorted(message.value() or b"" for message in found) == [b"after 0", b"after 1", b"after 2"]
    assert {origin_of(message) for message in found} == {Origin(topic=topic, partition=p, offset=1) for p in range(3)}


def test_reading_an_empty_stretch_ends_at_once(broker: Broker) -> None:
    topic = broker.topic(2)
    assert list(read_since(broker.bootstrap_servers, topic, NOW)) == []
    broker.produce(topic, b"old", timestamp=milliseconds(NOW - timedelta(hours=1)))
    assert list(read_since(broker.bootstrap_servers, topic, NOW)) == []


def test_reading_on_gives_only_what_has_come_since(broker: Broker) -> None:
    topic, offsets = broker.topic(2), dict[int, int]()

    def found() -> set[bytes | None]:
        return {message.value() for message in read_on(broker.bootstrap_servers, topic, offsets)}

    assert found() == set()
    for partition in range(2):
        broker.produce(topic, f"first {partition}".encode(), partition=partition)
    assert found() == {b"first 0", b"first 1"}
    assert found() == set()
    broker.produce(topic, b"second", partition=1)
    assert found() == {b"second"}
    assert offsets == {0: 1, 1: 2}


def test_reading_a_missing_topic_is_an_error(broker: Broker) -> None:
    with pytest.raises(KafkaException):
        list(read_since(broker.bootstrap_servers, "no such topic", NOW))


ROUTED = RoutedCommand(
    command_id="c-1",
    tenant_id="default",
    command_type="TRANSFER_TOKENS",
    request_id="r-1",
    identity="org1-admin",
    contract="TokenomicsContract",
    function="TransferWithFees",
    arguments=("MY CBD ABG872 0QWER 0001", "", "Miete für Dezember 💶"),
    ordering_key="MY CBD ABG872 0QWER 0001",
    created_at=MOMENT,
    captured_at=MOMENT,
    routed_at=MOMENT,
    captured_from=ORIGIN,
)
OUTCOME = Outcome(
    command_id="c-1",
    command_type="TRANSFER_TOKENS",
    kind=OutcomeKind.COMMITTED,
    identity="org1-admin",
    transaction_id="f00d",
    block_number=2**40,
    attempts=3,
    stages={"created": MOMENT, "committed": MOMENT + timedelta(milliseconds=1)},
    worker="worker",
    happened_at=MOMENT,
)
LETTER = DeadLetter(
    kind=DeadLetterKind.MALFORMED,
    error_code="NOT_JSON",
    cause="the value is not JSON",
    transaction_ids=("f00d", "beef"),
    origin=ORIGIN,
    key=b"\xff\x00",
    value=b"",
    worker="worker",
    happened_at=MOMENT,
)


@pytest.mark.parametrize(
    ("codec", "messages"),
    [
        (codecs.ROUTED_COMMANDS, [ROUTED, replace(ROUTED, arguments=(), revision=2)]),
        (codecs.OUTCOMES, [OUTCOME, *(replace(OUTCOME, kind=kind, identity=None, stages={}) for kind in OutcomeKind)]),
        (codecs.DEAD_LETTERS, [LETTER, *(replace(LETTER, kind=kind, key=None, value=None) for kind in DeadLetterKind)]),
    ],
    ids=["routed commands", "outcomes", "dead letters"],
)
def test_messages_come_out_of_a_topic_as_they_went_in(
    broker: Broker, codec: codecs.Codec[Any], messages: list[Any]
) -> None:
    topic = broker.topic()
    broker.produce(topic, *(codec.encode(message) for message in messages))
    assert [codec.decode(m.value()) for m in read_since(broker.bootstrap_servers, topic, NOW)] == messages
