"""Lag by committed offsets in records and in seconds, against a real broker and Kafka's own tool."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from neighbours import Broker
from test_kafka_topics import commit

from streams.files import ROOT
from streams.kafka.first_records import FirstRecords
from streams.kafka.group_lag import GroupLags, PartitionLag, WatchedGroup
from streams.local.jars import install_jars
from streams.local.jvm import java_command
from streams.monitor.groups import Groups

NOW_S = float(int(time.time()))
TOOL = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4()}"


@pytest.fixture
def asked(broker: Broker, group: str) -> Iterator[Callable[..., dict[tuple[str, int], PartitionLag]]]:
    """Ask for the lag of the group on these topics, again and again over the same connections."""
    kept: list[GroupLags] = []

    def ask(*topics: str) -> dict[tuple[str, int], PartitionLag]:
        if not kept:
            kept.append(GroupLags(broker.bootstrap_servers, [WatchedGroup(name=group, topics=topics)], topics))
        return {(lag.topic, lag.partition): lag for lag in kept[0].ask(NOW_S).lags}

    yield ask
    for lags in kept:
        lags.close()


def produce(broker: Broker, topic: str, *ages_s: float, partition: int = 0) -> None:
    """One record per age."""
    for age_s in ages_s:
        broker.produce(topic, b"record", partition=partition, timestamp=int((NOW_S - age_s) * 1000))


def figures(found: dict[tuple[str, int], PartitionLag], topic: str) -> dict[int, tuple[int | None, int, float]]:
    """Partition -> (committed, records, seconds)."""
    return {
        partition: (lag.committed, lag.records, round(lag.seconds, 3))
        for (of, partition), lag in found.items()
        if of == topic
    }


def test_seconds_are_the_age_of_the_first_record_that_is_not_acknowledged(broker: Broker, group: str, asked) -> None:
    topic = broker.topic(3)
    produce(broker, topic, 300, 200, 100)
    produce(broker, topic, 50.5, partition=1)
    assert figures(asked(topic), topic) == {0: (None, 3, 300.0), 1: (None, 1, 50.5), 2: (None, 0, 0.0)}
    commit(broker, group, topic, {0: 2, 1: 1})
    assert figures(asked(topic), topic) == {0: (2, 1, 100.0), 1: (1, 0, 0.0), 2: (None, 0, 0.0)}
    commit(broker, group, topic, {0: 1})
    assert figures(asked(topic), topic)[0] == (1, 2, 200.0)


def test_what_retention_removed_is_not_waited_for(broker: Broker, group: str, asked) -> None:
    topic = broker.topic()
    produce(broker, topic, 300, 200, 100)
    commit(broker, group, topic, {0: 1})
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for future in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        future.result()
    assert figures(asked(topic), topic) == {0: (1, 1, 100.0)}


def test_what_is_no_record_has_no_age(broker: Broker, group: str, asked) -> None:
    """The end of a transaction is an offset and no record; the next record is the first that somebody waits for."""
    topic = broker.topic()
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": group, "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"record", timestamp=int((NOW_S - 100) * 1000))
    producer.commit_transaction(30)
    commit(broker, group, topic, {0: 1})
    assert figures(asked(topic), topic) == {0: (1, 1, 0.0)}
    produce(broker, topic, 40)
    assert figures(asked(topic), topic) == {0: (1, 2, 40.0)}


def test_a_group_is_seen_on_every_topic_that_it_has_committed_to(broker: Broker, group: str) -> None:
    expected, further, foreign = broker.topic(), broker.topic(), broker.topic()
    for topic in (expected, further, foreign):
        produce(broker, topic, 30)
    commit(broker, group, further, {0: 0})
    watched = [WatchedGroup(name=group, topics={expected})]
    with closing(GroupLags(broker.bootstrap_servers, watched, None)) as everywhere:
        found = everywhere.ask(NOW_S)
    assert {(lag.topic, lag.committed, lag.seconds) for lag in found.lags} == {
        (expected, None, 30.0),
        (further, 0, 30.0),
    }
    assert found.stretches[foreign, 0].end == 1


def test_a_topic_that_is_missing_is_left_out(broker: Broker, asked) -> None:
    topic = broker.topic()
    assert set(asked(topic, "no-such-topic")) == {(topic, 0)}


def test_only_what_has_moved_is_read_again(broker: Broker, group: str, asked, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, int]] = []
    really = FirstRecords._read

    def noting(self: FirstRecords, starts: dict[tuple[str, int], int]) -> None:
        read.extend(starts)
        really(self, starts)

    monkeypatch.setattr(FirstRecords, "_read", noting)
    topic = broker.topic(2)
    for partition in range(2):
        produce(broker, topic, 20, 10, partition=partition)
    before = asked(topic)
    assert asked(topic) == before
    assert sorted(read) == [(topic, 0), (topic, 1)]
    commit(broker, group, topic, {1: 1})
    assert figures(asked(topic), topic) == {0: (None, 2, 20.0), 1: (1, 1, 10.0)}
    assert read[2:] == [(topic, 1)]


def test_two_groups_at_two_offsets_of_one_partition_have_their_own_ages(broker: Broker, group: str) -> None:
    topic = broker.topic()
    produce(broker, topic, 300, 200)
    commit(broker, group, topic, {0: 1})
    watched = [WatchedGroup(name=name, topics={topic}) for name in (group, "nobody")]
    with closing(GroupLags(broker.bootstrap_servers, watched, {topic})) as lags:
        assert {lag.group: lag.seconds for lag in lags.ask(NOW_S).lags} == {group: 200.0, "nobody": 300.0}


def test_an_offset_that_goes_back_is_seen(broker: Broker, group: str) -> None:
    topic = broker.topic()
    produce(broker, topic, 300, 200, 100)
    commit(broker, group, topic, {0: 3})
    with closing(GroupLags(broker.bootstrap_servers, [WatchedGroup(name=group, topics={topic})], {topic})) as lags:
        groups = Groups("gx", lags.ask, {})

        def rewinds() -> float:
            return next(each.value for each in groups.collect() if each.name == "outbox_group_rewinds_total")

        assert rewinds() == 0.0
        commit(broker, group, topic, {0: 1})
        assert [rewinds(), rewinds()] == [1.0, 1.0]


def described(broker: Broker, group: str) -> dict[tuple[str, int], tuple[str, str, str]]:
    """(topic, partition) -> (committed, end, lag), as `ConsumerGroupCommand --describe` prints them."""
    jars = install_jars(ROOT / ".local" / "jars")
    arguments = ["--bootstrap-server", broker.bootstrap_servers, "--group", group, "--describe"]
    ran = subprocess.run(
        java_command(TOOL, *arguments, jars=jars, heap_mb=128), capture_output=True, text=True, timeout=90, check=True
    )
    rows = [line.split() for line in ran.stdout.splitlines() if line.startswith(group)]
    return {(row[1], int(row[2])): (row[3], row[4], row[5]) for row in rows}


def test_streams_lag_agrees_with_kafkas_own_tool(broker: Broker, group: str, tmp_path: Path) -> None:
    first, second = broker.topic(3), broker.topic(1)
    for partition, count in enumerate((4, 5, 6)):
        produce(broker, first, *[60.0] * count, partition=partition)
    produce(broker, second, 60.0, 30.0)
    commit(broker, group, first, {0: 4, 1: 2, 2: 0})
    commit(broker, group, second, {0: 1})
    ran = subprocess.run(
        [sys.executable, "-m", "streams", "lag", "--json"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(ROOT),
            "STREAMS_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "STREAMS_MONITOR__GROUPS": group,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    ours = {
        (lag["topic"], lag["partition"]): (str(lag["committed"]), str(lag["end_offset"]), str(lag["records"]))
        for lag in json.loads(ran.stdout)
        if lag["group"] == group
    }
    assert ours == described(broker, group)
    assert sorted(ours.values()) == [("0", "6", "6"), ("1", "2", "1"), ("2", "5", "3"), ("4", "4", "0")]
