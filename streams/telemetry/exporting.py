"""Whether and where spans are exported: this system's setting, else the standard variables of OpenTelemetry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec

from streams.errors import SettingsInvalid
from streams.settings import TracingSettings
from streams.telemetry.events import Event, logger
from streams.telemetry.tracing import NoTracing, Tracing

STANDARD = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NEEDS_EXTRA = "needs the packages of the extra `tracing` (requirements/tracing.txt)"
_PATH = "/v1/traces"


def tracing(
    settings: TracingSettings, *, stage: str, worker: str, environment: Mapping[str, str] | None = None
) -> Tracing:
    """The spans of a process of the line, named `outbox-<stage>` unless OTEL_SERVICE_NAME says otherwise.

    Raises SettingsInvalid when spans are asked for by our own setting and the packages are not there.
    """
    environment = os.environ if environment is None else environment
    wanted_by = next((name for name in STANDARD if environment.get(name)), None)
    if settings.endpoint is None and wanted_by is None:
        return NoTracing()
    if find_spec("opentelemetry.sdk") is None:
        if settings.endpoint is not None:
            raise SettingsInvalid(f"STREAMS_TRACING__ENDPOINT: {NEEDS_EXTRA}")
        # A platform may set the standard variables for everybody: no reason for commands to stand still.
        logger().warning(Event.TRACING_OFF, cause=f"{wanted_by} {NEEDS_EXTRA}")
        return NoTracing()
    return _exporting(settings.endpoint, stage, worker, environment)


def _exporting(endpoint: str | None, stage: str, worker: str, environment: Mapping[str, str]) -> Tracing:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from streams.telemetry.otel import OtelTracing

    # Without an endpoint of ours the exporter reads the standard variables itself.
    exporter = OTLPSpanExporter(endpoint=None if endpoint is None else endpoint.rstrip("/") + _PATH)
    name = environment.get("OTEL_SERVICE_NAME") or f"outbox-{stage}"
    return OtelTracing(BatchSpanProcessor(exporter), {"service.name": name, "service.instance.id": worker})
