"""One trace per command, through every process of the line, as a collector sees it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Population
from otlp_collector import CollectedSpan, Collector
from running_line import RunningLine

from streams.demo import payloads
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.telemetry.otel import trace_id_of
from streams.telemetry.traceparent import from_headers

SERVICE_SPAN = "b7ad6b7169203331"
STAGES = ["capture", "route", "submit", "ledger.endorse", "ledger.submit", "ledger.commit", "write-back"]
SERVICES = ["outbox-route"] * 2 + ["outbox-submit"] * 4 + ["outbox-write-back"]
INSERT = (Path(__file__).parent / "insert_traced.sql").read_text()


@dataclass(frozen=True)
class Sent:
    """A command, and the trace that it must be found in."""

    command_id: str
    trace_id: str


def send(line: RunningLine, command_type: str, payload: object, traceparent: str | None) -> str:
    command_id = str(uuid.uuid4())
    values = {
        "command_id": command_id,
        "command_type": command_type,
        "payload": json.dumps(payload),
        "traceparent": traceparent,
    }
    with line.connect() as connection:
        connection.execute(INSERT, values)  # type: ignore[arg-type]
    line.final([command_id])
    return command_id


@pytest.fixture(scope="module")
def sent(empty_line: RunningLine, population: Population) -> Sent:
    """A transfer whose service traces."""
    trace_id = uuid.uuid4().hex
    transfer = payloads.transfer(population.payers[0], population.payees[0], 11)
    return Sent(send(empty_line, "TRANSFER_TOKENS", transfer, f"00-{trace_id}-{SERVICE_SPAN}-01"), trace_id)


def whole(line: RunningLine, collector: Collector, trace_id: str, count: int = len(STAGES)) -> list[CollectedSpan]:
    """The spans of a trace, once so many have arrived: each process sends its own, every few seconds."""
    line.until(lambda: len(collector.trace(trace_id)) >= count, f"{count} spans of {trace_id}")
    return collector.trace(trace_id)


def test_a_collector_sees_every_stage_of_a_command_in_order(
    line: RunningLine, collector: Collector, sent: Sent
) -> None:
    spans = whole(line, collector, sent.trace_id)
    assert [span.name for span in spans] == STAGES
    assert [span.service for span in spans] == SERVICES
    by_name = {span.name: span for span in spans}
    parents = {name: by_name[name].parent_id for name in STAGES}
    assert parents == {
        "capture": SERVICE_SPAN,
        "route": by_name["capture"].span_id,
        "submit": by_name["route"].span_id,
        **dict.fromkeys(STAGES[3:], by_name["submit"].span_id),
    }
    assert all(span.began_at <= span.ended_at for span in spans)
    assert {span.attributes["outbox.command_id"] for span in collector.of_command(sent.command_id)} == {sent.command_id}


def test_the_spans_have_the_times_of_the_stages(line: RunningLine, collector: Collector, sent: Sent) -> None:
    by_name = {span.name: span for span in whole(line, collector, sent.trace_id)}
    stages = {name: datetime.fromisoformat(at) for name, at in line.json("trace", sent.command_id)["stages"].items()}
    for name, began, ended in (
        ("capture", "created", "captured"),
        ("ledger.endorse", "taken", "endorsed"),
        ("ledger.submit", "endorsed", "submitted"),
        ("ledger.commit", "submitted", "committed"),
    ):
        found = [datetime.fromtimestamp(at / 1e9, UTC) for at in (by_name[name].began_at, by_name[name].ended_at)]
        # Outcomes keep milliseconds.
        assert abs(found[0] - stages[began]) < timedelta(milliseconds=2), name
        assert abs(found[1] - stages[ended]) < timedelta(milliseconds=2), name


def headers(line: RunningLine, topic: str, command_id: str) -> Iterator[str | None]:
    """The trace context of each record of a command."""
    codec = codecs.OUTCOMES if topic == RESULTS else codecs.DEAD_LETTERS if topic == DEAD_LETTERS else None
    decode = codec.decode if codec else codecs.ROUTED_COMMANDS.decode
    for record in read_since(line.bootstrap_servers, topic, datetime.now(UTC) - timedelta(minutes=30)):
        try:
            decoded = decode(record.value())
        except UnreadableMessage:
            continue  # of a test that poisons topics
        if decoded.command_id == command_id:
            yield from_headers(record.headers())


def test_every_record_of_a_command_carries_its_trace(line: RunningLine, sent: Sent) -> None:
    routed = list(headers(line, commands_topic("org1-admin"), sent.command_id))
    outcomes = list(headers(line, RESULTS, sent.command_id))
    assert (len(routed), len(outcomes)) == (1, 2)
    assert all(header is not None and sent.trace_id in header for header in (*routed, *outcomes))


def test_a_dead_letter_carries_the_trace_of_its_command(
    line: RunningLine, collector: Collector, population: Population
) -> None:
    trace_id = uuid.uuid4().hex
    overdrawn = payloads.transfer(population.payers[1], population.payees[1], 10**15)
    command_id = send(line, "TRANSFER_TOKENS", overdrawn, f"00-{trace_id}-{SERVICE_SPAN}-01")
    (header,) = headers(line, DEAD_LETTERS, command_id)
    assert header is not None
    assert trace_id in header
    # A refusal ends before the orderer is asked.
    assert [span.name for span in whole(line, collector, trace_id, 4)] == ["capture", "route", "submit", "write-back"]


@pytest.mark.parametrize("traceparent", [None, "00-nonsense"], ids=["none", "malformed"])
def test_a_row_without_a_usable_trace_context_is_carried_and_has_a_trace_of_its_own(
    line: RunningLine, collector: Collector, population: Population, traceparent: str | None
) -> None:
    transfer = payloads.transfer(population.payers[2], population.payees[2], 12)
    command_id = send(line, "TRANSFER_TOKENS", transfer, traceparent)
    assert line.rows([command_id])[command_id].status == "COMMITTED"
    spans = whole(line, collector, f"{trace_id_of(command_id):032x}")
    assert [span.name for span in spans] == STAGES
    assert spans[0].parent_id == ""
