"""What /metrics shows: the fresh samples of every source that answers, and of each source whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from streams.monitor.metrics import METRICS, Kind, Metric, Sample, sample
from streams.monitor.watch import Watch


class Exposition(Collector):
    """Asks nobody: a scrape shows what was answered last and costs nothing."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    @property
    def registry(self) -> CollectorRegistry:
        """A registry that shows this and nothing else."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def describe(self) -> Iterable[Family]:
        """The closed set, so that the registry need not collect to know the names."""
        return [_family(name, metric) for name, metric in METRICS.items()]

    def collect(self) -> Iterator[Family]:
        families: dict[str, Family] = {}
        for each in self._samples():
            if each.name not in families:
                families[each.name] = _family(each.name, METRICS[each.name])
            families[each.name].add_metric(each.labels, each.value)  # type: ignore[attr-defined]
        yield from (families[name] for name in METRICS if name in families)

    def _samples(self) -> Iterator[Sample]:
        for watch in self._watches:
            name, fresh = watch.source.name, watch.fresh()
            yield sample("outbox_monitor_source_up", fresh is not None, source=name)
            if watch.last_success_s is not None:
                yield sample("outbox_monitor_last_success_timestamp_seconds", watch.last_success_s, source=name)
            yield from fresh or ()


def _family(name: str, metric: Metric) -> GaugeMetricFamily | CounterMetricFamily:
    family = GaugeMetricFamily if metric.kind is Kind.GAUGE else CounterMetricFamily
    return family(name, metric.what, labels=metric.labels)
