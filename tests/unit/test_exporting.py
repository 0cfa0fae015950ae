"""Spans are exported when somebody says where to, and only then; a collector that is away holds nobody up."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import pytest
from otlp_collector import collecting
from traces import TRACE, TRACEPARENT

from streams.errors import SettingsInvalid
from streams.local.ports import HOST
from streams.settings import TracingSettings
from streams.telemetry import exporting
from streams.telemetry.exporting import STANDARD, tracing
from streams.telemetry.otel import CLOSE_TIMEOUT_S
from streams.telemetry.tracing import NoTracing, Tracing

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def told(spans: Tracing) -> None:
    spans.begin("submit", "c-1", TRACEPARENT, NOW).end(NOW)
    spans.close()


def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> ModuleSpec | None:
        return None if name.startswith("opentelemetry") else find_spec(name)

    monkeypatch.setattr(exporting, "find_spec", found)


def test_nothing_is_exported_unless_somebody_says_where_to() -> None:
    assert isinstance(tracing(TracingSettings(), stage="route", worker="w", environment={}), NoTracing)


def test_our_own_setting_names_the_collector() -> None:
    with collecting() as collector:
        settings = TracingSettings(endpoint=collector.endpoint + "/")
        told(tracing(settings, stage="submit", worker="w", environment={}))
        (span,) = collector.trace(TRACE)
    assert (span.service, span.name) == ("outbox-submit", "submit")


@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_variables_name_it_as_well(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with collecting() as collector:
        path = "/v1/traces" if "TRACES" in name else ""
        environment = {name: collector.endpoint + path, "OTEL_SERVICE_NAME": "mine"}
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        told(tracing(TracingSettings(), stage="submit", worker="w"))
        (span,) = collector.trace(TRACE)
    assert span.service == "mine"


def test_without_the_packages_our_own_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packages(monkeypatch)
    with pytest.raises(SettingsInvalid, match="STREAMS_TRACING__ENDPOINT: needs the packages of the extra `tracing`"):
        tracing(TracingSettings(endpoint="http://127.0.0.1:1"), stage="route", worker="w", environment={})


def test_without_the_packages_the_standard_variables_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packages(monkeypatch)
    environment = {STANDARD[0]: "http://127.0.0.1:1"}
    assert isinstance(tracing(TracingSettings(), stage="route", worker="w", environment=environment), NoTracing)


def test_a_collector_that_is_away_does_not_hold_up_the_end_of_a_process() -> None:
    spans = tracing(TracingSettings(endpoint=f"http://{HOST}:1"), stage="route", worker="w", environment={})
    began_at = time.monotonic()
    told(spans)
    assert time.monotonic() - began_at < CLOSE_TIMEOUT_S + 2


def test_every_process_starts_where_the_packages_are_not_installed() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import streams.cli, streams.workers.route, streams.workers.submit, streams.workers.sink\n"
        "from streams.settings import TracingSettings\n"
        "from streams.telemetry.exporting import tracing\n"
        "print(type(tracing(TracingSettings(), stage='route', worker='w', environment={})).__name__)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "NoTracing\n"), ran.stderr
