"""The spans of a command: one trace, in the order of the stages, with their times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from carrier_line import Line, command, letter_of, line_with
from opentelemetry.trace import StatusCode
from scripted_ledger import COMMAND, EARLY, TAKEN_AT, ScriptedLedger, endorse_failed, entry, nothing, rejected
from traces import PARENT, TRACE, TRACEPARENT, Traces, bounds, parent_id, span_id, trace_id

from streams.messages import ChangeEvent, Command, DeadLetterKind, Origin, Outcome, OutcomeKind
from streams.telemetry.metrics import Metrics
from streams.telemetry.otel import trace_id_of
from streams.telemetry.traceparent import carried
from streams.telemetry.tracing import NoTracing
from streams.workers.routing_told import RoutingTold
from streams.workers.sink_told import SinkTold

CHANGE = ChangeEvent(
    command=Command(
        command_id="c-1",
        tenant_id="default",
        service="test",
        command_type="TRANSFER_TOKENS",
        request_id="r",
        payload="{}",
        created_at=COMMAND.created_at,
    ),
    lsn=1,
    captured_at=COMMAND.captured_at,
    from_snapshot=False,
    origin=Origin(topic="t", partition=0, offset=0),
    traceparent=TRACEPARENT,
)
MALFORMED = "outbox_traceparents_malformed_total"


def routed(traces: Traces, change: ChangeEvent = CHANGE) -> str | None:
    """Route it; the trace context of its record."""
    told = RoutingTold(traces.tracing, Metrics()).begin(change)
    told.command = COMMAND
    told.delivered()
    return told.traceparent


async def carried_through(line: Line, traceparent: str | None) -> None:
    line.take(command("c-1"), traceparent=traceparent)
    await line.until_acknowledged(1)


def traced_line(traces: Traces, **script: object) -> Line:
    return Line(ScriptedLedger(**script), tracing=traces.tracing)  # type: ignore[arg-type]


def test_capture_and_route_follow_the_span_of_the_service() -> None:
    traces = Traces()
    traceparent = routed(traces)
    capture, route = traces.spans["capture"], traces.spans["route"]
    assert {trace_id(capture), trace_id(route)} == {TRACE}
    assert (parent_id(capture), parent_id(route)) == (PARENT, span_id(capture))
    assert bounds(capture) == (COMMAND.created_at, COMMAND.captured_at)
    assert bounds(route) == (COMMAND.captured_at, COMMAND.routed_at)
    assert traceparent is not None
    assert traceparent.split("-")[1:3] == [TRACE, span_id(route)]


def test_a_command_without_a_trace_context_begins_the_same_trace_whenever_it_is_routed() -> None:
    first, second = Traces(), Traces()
    untraced = replace(CHANGE, traceparent=None)
    routed(first, untraced)
    routed(second, untraced)
    assert {trace_id(span) for span in (*first.all, *second.all)} == {f"{trace_id_of('c-1'):032x}"}
    assert parent_id(first.spans["capture"]) is None


def test_a_malformed_trace_context_is_counted_and_otherwise_as_none() -> None:
    traces, metrics = Traces(), Metrics()
    RoutingTold(traces.tracing, metrics).begin(replace(CHANGE, traceparent="00-abc")).delivered()
    assert metrics.registry.get_sample_value(MALFORMED) == 1
    assert trace_id(traces.spans["capture"]) == f"{trace_id_of('c-1'):032x}"


def test_a_refused_command_has_a_span_that_says_why() -> None:
    traces, metrics = Traces(), Metrics()
    told = RoutingTold(traces.tracing, metrics).begin(CHANGE)
    told.refused_because("no route", EARLY + timedelta(seconds=9))
    told.delivered()
    status = traces.spans["route"].status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "no route")


def test_what_was_not_delivered_is_not_told() -> None:
    traces = Traces()
    RoutingTold(traces.tracing, Metrics()).begin(CHANGE)
    assert traces.all == ()


async def test_the_steps_of_the_ledger_lie_within_the_span_of_the_submission() -> None:
    traces = Traces()
    line = traced_line(traces)
    await carried_through(line, TRACEPARENT)
    spans = traces.spans
    assert set(spans) == {"submit", "ledger.endorse", "ledger.submit", "ledger.commit"}
    assert parent_id(spans["submit"]) == PARENT
    steps = [spans[f"ledger.{step}"] for step in ("endorse", "submit", "commit")]
    assert {parent_id(step) for step in steps} == {span_id(spans["submit"])}
    assert {trace_id(span) for span in spans.values()} == {TRACE}
    (final,) = [said for said in line.published if getattr(said, "kind", None) is OutcomeKind.COMMITTED]
    assert isinstance(final, Outcome)
    times = [final.stages[name] for name in ("taken", "endorsed", "submitted", "committed")]
    assert [bounds(step)[0] for step in steps] == times[:3]
    attributes = spans["submit"].attributes or {}
    assert (attributes["outbox.command_id"], attributes["outbox.outcome"]) == ("c-1", "committed")
    assert bounds(spans["submit"])[0] == TAKEN_AT


async def test_every_record_and_call_of_a_submission_carries_its_trace() -> None:
    traces = Traces()
    line = traced_line(traces, endorse=[endorse_failed(refused=True)] * 2, held=[nothing])
    await carried_through(line, TRACEPARENT)
    carries = f"00-{TRACE}-{span_id(traces.spans['submit'])}-"
    assert len(line.carried) == 2  # the dead letter and the outcome
    assert all(headers["traceparent"].startswith(carries) for headers in line.carried)
    assert carried() == {}


async def test_retries_of_a_command_stay_within_one_span() -> None:
    traces = Traces()
    line = traced_line(traces, status=[rejected("MVCC_READ_CONFLICT")])
    await carried_through(line, TRACEPARENT)
    attributes = traces.spans["submit"].attributes or {}
    assert (attributes["outbox.attempts"], attributes["outbox.outcome"]) == (2, "committed")


async def test_a_command_that_failed_before_keeps_its_trace_context_and_has_no_second_span() -> None:
    traces = Traces()
    line = line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)], tracing=traces.tracing)
    await carried_through(line, TRACEPARENT)
    assert traces.all == ()
    assert line.carried == [{"traceparent": TRACEPARENT}]


async def test_without_tracing_the_trace_context_of_the_service_passes_through() -> None:
    line = line_with()
    line.take(command("c-1"), traceparent=TRACEPARENT)
    await line.until_acknowledged(1)
    assert line.carried
    assert all(headers == {"traceparent": TRACEPARENT} for headers in line.carried)
    change = RoutingTold(NoTracing(), Metrics()).begin(CHANGE)
    assert change.traceparent == TRACEPARENT


async def test_what_the_ledger_had_already_has_a_span_without_steps() -> None:
    traces = Traces()
    line = traced_line(traces, endorse=[rejected("DUPLICATE_TXID")], held=[entry()])
    await carried_through(line, TRACEPARENT)
    assert set(traces.spans) == {"submit"}


@pytest.mark.parametrize("traceparent", [TRACEPARENT, None, "nonsense"])
def test_the_write_back_is_the_last_span_of_the_trace(traceparent: str | None) -> None:
    traces, metrics = Traces(), Metrics()
    outcome = Outcome(
        command_id="c-1", command_type="T", kind=OutcomeKind.COMMITTED, worker="w", happened_at=EARLY, identity="a"
    )
    told = SinkTold(traces.tracing, metrics)
    told.hold([(outcome, traceparent)])
    told.written(["c-1"])
    span = traces.spans["write-back"]
    assert bounds(span)[0] == EARLY
    assert trace_id(span) == (TRACE if traceparent == TRACEPARENT else f"{trace_id_of('c-1'):032x}")
    assert metrics.registry.get_sample_value(MALFORMED) == (1 if traceparent == "nonsense" else 0)
