"""Spans that stay in memory, as tests look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.telemetry.otel import OtelTracing

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Traces:
    """What one process has told."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.tracing = OtelTracing(SimpleSpanProcessor(self.exporter), {"service.name": "test"})

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """By name; each once."""
        spans = self.all
        assert len({span.name for span in spans}) == len(spans)
        return {span.name: span for span in spans}

    @property
    def all(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()


def trace_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def span_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def parent_id(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def bounds(span: ReadableSpan) -> tuple[datetime, datetime]:
    assert span.start_time is not None
    assert span.end_time is not None
    return tuple(EPOCH + timedelta(microseconds=at // 1000) for at in (span.start_time, span.end_time))  # type: ignore[return-value]
