"""Spans through OpenTelemetry's SDK, to a collector over OTLP/HTTP. The only module that knows OpenTelemetry.

Samplers, limits, batches and headers follow the standard OTEL_* variables of the SDK. A collector that is away costs
spans, never a command: they wait in a bounded queue, and beyond it they are dropped.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streams.telemetry.traceparent import HEADER

PREFIX = "outbox."
CLOSE_TIMEOUT_S = 5.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROOT = b"outbox-streams trace\0"
_CONTEXTS = TraceContextTextMapPropagator()
_LEDGER = "ledger."


def trace_id_of(command_id: str) -> int:
    """The trace of a command that came without one: the same for whoever begins it, after any crash."""
    digest = hashlib.sha256(_ROOT + command_id.encode(errors="replace")).digest()
    return int.from_bytes(digest[:16])


class _CommandIds(RandomIdGenerator):
    """A new trace gets the id of the command in hand. Used from one thread."""

    def __init__(self) -> None:
        self.trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id or super().generate_trace_id()


class OtelTracing:
    """`streams.telemetry.tracing.Tracing`; `resource` describes the process: service.name, service.instance.id."""

    def __init__(self, processor: SpanProcessor, resource: Mapping[str, str]) -> None:
        self._ids = _CommandIds()
        self._provider = TracerProvider(
            resource=Resource.create(dict(resource)), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("outbox-streams")

    def begin(self, name: str, command_id: str, traceparent: str | None, began_at: datetime) -> OtelSpan:
        """Its first span in this process."""
        context = _CONTEXTS.extract({HEADER: traceparent} if traceparent else {}, context=Context())
        self._ids.trace_id = trace_id_of(command_id)
        return _begun(self._tracer, name, context, began_at, {f"{PREFIX}command_id": command_id})

    def close(self) -> None:
        """Send what is left, within CLOSE_TIMEOUT_S."""
        # The SDK waits half a minute for a collector that is away; a worker that stops has no such time.
        closing = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class OtelSpan:
    """`streams.telemetry.tracing.Span`."""

    tracer: trace.Tracer
    span: trace.Span
    began_at: datetime

    @property
    def traceparent(self) -> str | None:
        headers: dict[str, str] = {}
        _CONTEXTS.inject(headers, context=trace.set_span_in_context(self.span, Context()))
        return headers.get(HEADER)

    def then(self, name: str, began_at: datetime) -> OtelSpan:
        """A span whose parent this one is."""
        return _begun(self.tracer, name, trace.set_span_in_context(self.span, Context()), began_at, {})

    def end(self, ended_at: datetime, *, error: str | None = None, **attributes: str | int | bool | None) -> None:
        """Hand it to the exporter."""
        for name, value in attributes.items():
            if value is not None:
                self.span.set_attribute(PREFIX + name, value)
        if error is not None:
            self.span.set_status(trace.StatusCode.ERROR, error)
        self.span.end(_nanoseconds(max(ended_at, self.began_at)))  # clocks of two machines may disagree


def _begun(
    tracer: trace.Tracer, name: str, context: Context, began_at: datetime, attributes: Mapping[str, str]
) -> OtelSpan:
    kind = trace.SpanKind.CLIENT if name.startswith(_LEDGER) else trace.SpanKind.CONSUMER
    span = tracer.start_span(
        name, context=context, kind=kind, attributes=dict(attributes), start_time=_nanoseconds(began_at)
    )
    return OtelSpan(tracer, span, began_at)


def _nanoseconds(at: datetime) -> int:
    return max(0, (at - _EPOCH) // timedelta(microseconds=1)) * 1000
