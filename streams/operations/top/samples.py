"""What one process answers at /metrics, in numbers."""

from __future__ import annotations

import http.client
import math
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_S = 2.0

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one scrape, by name and labels."""

    values: Mapping[str, Mapping[Labels, float]] = field(default_factory=dict)

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of those that have these labels; None if there is none."""
        found = [value for _, value in self.having(name, **labels)]
        return sum(found) if found else None

    def largest(self, name: str, **labels: str) -> float | None:
        """The largest of those that have these labels; None if there is none."""
        return max((value for _, value in self.having(name, **labels) if not math.isnan(value)), default=None)

    def having(self, name: str, **labels: str) -> Iterator[tuple[dict[str, str], float]]:
        """(labels, value) of each sample that has these labels."""
        for found, value in self.values.get(name, {}).items():
            if labels.items() <= dict(found).items():
                yield dict(found), value


def parse(text: str) -> Samples:
    """The samples in the text of an exposition. Raises ValueError for a text that is none."""
    values: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return Samples(values)


def scrape(address: str) -> Samples:
    """Ask `host:port`, or a base URL. Raises OSError or ValueError: nobody there, or no metrics."""
    url = address if "://" in address else f"http://{address}"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/metrics", timeout=TIMEOUT_S) as answer:  # noqa: S310
            return parse(answer.read().decode())
    except http.client.HTTPException as error:
        raise OSError(f"no answer of HTTP ({error!r})") from error


def grown(now: Samples, before: Samples, name: str, **labels: str) -> float:
    """How much counters with these labels have grown; one that is smaller than before began anew with its process."""
    growth = 0.0
    earlier = before.values.get(name, {})
    for found, value in now.values.get(name, {}).items():
        if labels.items() <= dict(found).items():
            was = earlier.get(found, 0.0)
            growth += value - was if value >= was else value
    return growth
