"""Whoever is given a partition takes every record of it from what is committed on, or ends."""

from __future__ import annotations

import re
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import taking_member
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from neighbours import DEADLINE_S, Broker, until

from streams.kafka.lag import stretches
from streams.local.process import Child, Process

Start = Callable[[str, str], "Member"]


class Member(Child):
    """A process of taking_member.py."""

    @property
    def assignments(self) -> int:
        return self.log.read_text().count("assigned\n")

    @property
    def taken(self) -> list[int]:
        """The offsets, in the order in which they were taken."""
        return [int(offset) for offset in re.findall(r"^took (\d+)\n", self.log.read_text(), re.MULTILINE)]

    def end(self) -> None:
        self._popen.send_signal(signal.SIGTERM)


@pytest.fixture
def start(broker: Broker, tmp_path: Path) -> Iterator[Start]:
    """Start members of one group; returns each when it has had an assignment, perhaps of nothing."""
    members: list[Member] = []
    group = f"taking-{uuid.uuid4()}"

    def start(topic: str, how: str) -> Member:
        argv = [sys.executable, str(taking_member.__file__), broker.bootstrap_servers, topic, group, how]
        process = Process(name="member", argv=argv, healthy=lambda: True)
        members.append(member := Member(process, tmp_path / f"member-{len(members)}.log"))
        until(lambda: bool(member.assignments) or member.exit_code is not None, "a member of the group")
        return member

    yield start
    for member in members:
        member.kill()


def test_a_member_that_had_no_partition_takes_every_record_when_it_is_given_one(broker: Broker, start: Start) -> None:
    topic = broker.topic(1)
    members = [start(topic, "late"), start(topic, "late")]
    broker.produce(topic, b"who has it?")
    until(lambda: any(member.taken for member in members), "the member with the partition")
    standby, owner = sorted(members, key=lambda member: len(member.taken))
    assert standby.taken == []

    owner.end()
    broker.produce(topic, *[b"more"] * 400)
    until(lambda: 400 in standby.taken or standby.exit_code is not None, "the last record, by the other member")

    assert sorted({0, *standby.taken}) == list(range(401))


def test_a_member_that_is_not_given_the_first_records_ends_before_it_takes_others(broker: Broker, start: Start) -> None:
    topic = broker.topic(1)
    broker.produce(topic, *[b"record"] * 8)
    skipping = start(topic, "skips")
    until(lambda: skipping.exit_code is not None, "its end")
    assert skipping.exit_code != 0
    assert "was left out, 5 came instead" in skipping.log.read_text()
    assert skipping.taken == []


def test_a_member_begins_with_the_first_record_also_where_nothing_is_committed(broker: Broker, start: Start) -> None:
    topic = broker.topic(1)
    broker.produce(topic, *[b"record"] * 8)
    member = start(topic, "moved")
    until(lambda: 7 in member.taken or member.exit_code is not None, "the last record")
    assert member.taken == list(range(8))


def test_numbers_that_kafka_leaves_out_end_nobody(broker: Broker, start: Start) -> None:
    topic = broker.topic(1)
    broker.produce(topic, *[b"record"] * 4)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for removed in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        removed.result(DEADLINE_S)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(DEADLINE_S)
    producer.begin_transaction()
    producer.produce(topic, b"its end has the number 5")
    producer.commit_transaction(DEADLINE_S)
    until(lambda: stretches(broker.bootstrap_servers, topic)[0].end == 6, "the end of the transaction")
    broker.produce(topic, b"record")

    member = start(topic, "takes")
    until(lambda: 6 in member.taken or member.exit_code is not None, "the last record")
    assert member.taken == [2, 3, 4, 6]
