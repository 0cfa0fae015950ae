"""What the monitor of a running line says."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Monitor:
    """The exporter at this base URL."""

    url: str

    def ask(self, path: str) -> tuple[int, str]:
        """(status, body)."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def values(self, name: str, /, **labels: str) -> list[float]:
        """Of every sample of the metric with these labels."""
        return [
            sample.value
            for family in text_string_to_metric_families(self.ask("/metrics")[1])
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str, /, **labels: str) -> float | None:
        """Of the only such sample; None if there is none."""
        (value,) = self.values(name, **labels) or [None]
        return value

    def is_up(self, source: str) -> bool:
        return self.value("outbox_monitor_source_up", source=source) == 1.0
