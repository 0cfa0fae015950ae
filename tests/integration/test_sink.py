"""The sink as a process, on a real Kafka and Postgres: what it makes of records and rows."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from neighbours import Broker, Database, Outbox, until
from sink_line import Line, outcome, refusing, running_sink

from streams.endings import UNREADABLE, UNSTORABLE
from streams.kafka import codecs
from streams.kafka.topics import RESULTS
from streams.messages import DeadLetterKind, Origin, OutcomeKind
from streams.telemetry import Event

LETTERS_A_MINUTE = 8
SETTINGS = {"STREAMS_WORKER__DEAD_LETTERS_PER_MINUTE": str(LETTERS_A_MINUTE)}


@pytest.fixture(scope="module")
def line(
    broker: Broker, database: Database, outboxes: dict[str, Outbox], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    with running_sink(broker, database, outboxes["snake_case"], tmp_path_factory.mktemp("sink"), **SETTINGS) as line:
        yield line


def test_the_last_word_stands_whatever_the_order_and_however_often_it_comes(line: Line) -> None:
    shuffled = random.Random(5)
    final = {i: shuffled.choice([OutcomeKind.COMMITTED, OutcomeKind.FAILED]) for i in line.outbox.insert_many(60)}
    for command_id, kind in final.items():
        story = [OutcomeKind.SUBMITTED, OutcomeKind.SUBMITTED, kind, kind]
        shuffled.shuffle(story)
        line.tell(command_id, *story)
    line.wait_until_settled()

    rows = line.outbox.rows(*final)
    assert {i: rows[i].status for i in final} == {i: kind.value.upper() for i, kind in final.items()}
    for command_id, kind in final.items():
        row = rows[command_id]
        assert row.error_code == ("CHAINCODE_REFUSED" if kind is OutcomeKind.FAILED else None)
        assert row.transaction_id == f"transaction of {command_id}"


@pytest.mark.parametrize(
    "value",
    [b"not Avro", b"", None, codecs.OUTCOMES.encode(outcome("", OutcomeKind.FAILED))[:-3]],
    ids=["not Avro", "empty", "no value", "cut off"],
)
def test_an_unreadable_record_becomes_a_dead_letter_and_the_line_goes_on(line: Line, value: bytes | None) -> None:
    command_id = line.outbox.insert()
    (record,) = line.broker.produce(RESULTS, value, key=b"\xff key")
    line.tell(command_id, OutcomeKind.COMMITTED)

    line.wait_for([command_id], "COMMITTED")
    line.wait_until_settled()
    origin = Origin(topic=RESULTS, partition=record.partition() or 0, offset=record.offset() or 0)
    (letter,) = [letter for letter in line.letters() if letter.origin == origin]
    assert (letter.error_code, letter.key, letter.value) == (UNREADABLE, b"\xff key", value)
    assert "outcome" in letter.cause


def test_an_outcome_that_the_database_refuses_becomes_a_dead_letter(line: Line) -> None:
    before, strange, after = line.outbox.insert_many(3)
    line.tell(before, OutcomeKind.COMMITTED)
    value = codecs.OUTCOMES.encode(replace(outcome(strange, OutcomeKind.COMMITTED), transaction_id="\0"))
    (record,) = line.broker.produce(RESULTS, value, key=strange.encode())
    line.tell(after, OutcomeKind.COMMITTED)

    line.wait_for([before, after], "COMMITTED")
    line.wait_until_settled()
    (letter,) = [letter for letter in line.letters() if letter.command_id == strange]
    assert (letter.kind, letter.error_code, letter.value) == (DeadLetterKind.BUG, UNSTORABLE, value)
    assert (letter.origin.partition, letter.origin.offset) == (record.partition(), record.offset())
    assert line.outbox.row(strange).status == "PENDING"


def test_a_row_that_a_trigger_refuses_becomes_a_dead_letter_and_the_others_are_written(line: Line) -> None:
    before, strange, after = line.outbox.insert_many(3)
    with refusing(line, strange, "P0001"):
        for command_id in (before, strange, after):
            line.tell(command_id, OutcomeKind.COMMITTED)
        line.wait_for([before, after], "COMMITTED")
        line.wait_until_settled()
    (letter,) = [letter for letter in line.letters() if letter.command_id == strange]
    assert letter.error_code == UNSTORABLE


def test_when_its_dead_letters_are_spent_the_sink_waits_and_still_stops_when_told(line: Line) -> None:
    line.wait_until_settled()
    before = len(line.letters())
    values = [f"not Avro {number}".encode() for number in range(LETTERS_A_MINUTE)]
    line.broker.produce(RESULTS, *values, key=b"one partition")
    until(lambda: line.said(Event.DEAD_LETTERS_SPENT) != [], "a spent allowance", line.look)
    assert len(line.letters()) < before + len(values)
    assert line.lag == len(values)

    line.restart_after(signal.SIGTERM)
    line.wait_until_settled()
    assert {letter.value for letter in line.letters()[before:]} == set(values)
