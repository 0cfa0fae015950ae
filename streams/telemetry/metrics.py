"""The closed set of metrics of the workers. Labels come from closed sets too: no ids, no texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.messages import DeadLetterKind, Outcome, OutcomeKind
from streams.telemetry.stages import OF_ROUTE, OF_SINK, OF_SUBMIT, WRITTEN, Stage, durations_s

GAUGES: Mapping[str, str] = {
    "outbox_breaker_open": "1: no command is started, 0.5: one is on its way to find out, 0: closed",
    "outbox_window_limit": "Commands of the identity that may be in flight at once, as the gateway bears it",
    "outbox_window_in_use": "Commands of the identity in flight: the gateway is asked for them",
    "outbox_window_waiting": "Commands of the identity that wait for a slot",
    "outbox_commands_ordered": "Commands of the identity that the orderer has and that wait for their block",
    "outbox_lanes": "Keys that hold commands",
    "outbox_commands_held": "Commands taken and not final",
    "outbox_commands_unacknowledged": "Commands taken and not acknowledged",
    "outbox_replays_in_flight": "Replayed commands among those held; the others wait for their share of the window",
    "outbox_partitions_paused": "Partitions whose newest command is too far ahead of their oldest",
    "outbox_lanes_paused": "Pauses of operators that are about commands of the identity, those of replays left out",
    "outbox_gateway_blocks_behind": "Blocks that the gateway has and the worker has not seen",
    "outbox_answers_unrecognised": "Answers of the ledger of a kind never seen, since the start",
}
"""Read at the time of the scrape; each with the label `identity`."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a metric says, and its labels."""

    what: str
    labels: tuple[str, ...] = ()


COUNTERS: Mapping[str, Family] = {
    "outbox_outcomes": Family("Outcomes published", ("identity", "kind", "code")),
    "outbox_dead_letters": Family("Dead letters published", ("identity", "kind")),
    "outbox_retries": Family("Errors of the ledger, by what is done", ("identity", "verdict", "code")),
    "outbox_redeliveries_absorbed": Family("Deliveries of commands that were final", ("identity",)),
    "outbox_traceparents_malformed": Family("Trace contexts that were ignored because they are malformed"),
    "outbox_commands_processed": Family(
        "The polling worker's name: rows that the sink ended, by success, failed or max_retries (parked)", ("status",)
    ),
}
"""A scrape shows them with `_total` behind the name."""

STAGE_LATENCY, PROCESSING = "outbox_stage_latency_seconds", "outbox_processing_duration_seconds"
HISTOGRAMS: Mapping[str, Family] = {
    STAGE_LATENCY: Family(
        "Time that a command took for a stage, observed once, where the stage ends", ("stage", "identity")
    ),
    PROCESSING: Family("The polling worker's name: from taken by a submit worker to its end, as the sink ends the row"),
}
BUCKETS: Mapping[str, tuple[float, ...]] = {
    STAGE_LATENCY: (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
    PROCESSING: (0.1, 0.5, 1, 2, 5, 10, 30),  # as the polling worker had them
}
"""Upper bounds, seconds."""

WORKER_STATUS = "outbox_worker_status"
STATUS: Mapping[str, Family] = {
    WORKER_STATUS: Family("The polling worker's name: 1 while this process is ready, else 0"),
}
"""Gauges without a label; like GAUGES they are read at the time of the scrape."""

_PROCESSED = {
    OutcomeKind.COMMITTED: "success",
    OutcomeKind.FAILED: "failed",
    OutcomeKind.PARKED: "max_retries",
}
_FINAL = (OutcomeKind.COMMITTED, OutcomeKind.FAILED)


class Metrics:
    """The metrics of one process, in a registry of its own. `identity` is empty where a process has none."""

    def __init__(self, identity: str = "", registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._identity = identity
        self._counters = {
            name: Counter(name, family.what, family.labels, registry=self.registry) for name, family in COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(name, family.what, family.labels, registry=self.registry, buckets=BUCKETS[name])
            for name, family in HISTOGRAMS.items()
        }

    def outcome(self, outcome: Outcome) -> None:
        """An outcome was published."""
        self._count("outbox_outcomes", self._identity, outcome.kind, outcome.error_code or "")

    def dead_letter(self, kind: DeadLetterKind) -> None:
        """A dead letter was published."""
        self._count("outbox_dead_letters", self._identity, kind)

    def retried(self, verdict: str, code: str) -> None:
        """The ledger answered with an error, or not at all."""
        self._count("outbox_retries", self._identity, verdict, code)

    def absorbed(self) -> None:
        """A command was delivered again that was final."""
        self._count("outbox_redeliveries_absorbed", self._identity)

    def malformed_traceparent(self) -> None:
        """A trace context was ignored."""
        self._count("outbox_traceparents_malformed")

    def routed(self, identity: str, times: Mapping[str, datetime]) -> None:
        """The brokers have a routed command; `times` by the names of `Outcome.stages`."""
        self._observe(OF_ROUTE, identity, times)

    def ended(self, outcome: Outcome) -> None:
        """A submit worker has published the final outcome of a command for the first time."""
        if outcome.kind in _FINAL:
            self._observe(OF_SUBMIT, self._identity, outcome.stages)

    def written(self, outcome: Outcome, at: datetime) -> None:
        """The row of the command shows the outcome since `at`, for the first time; a final one ends its way."""
        if outcome.kind in _PROCESSED:
            self._count("outbox_commands_processed", _PROCESSED[outcome.kind])
        if outcome.kind not in _FINAL:
            return
        times = {**outcome.stages, "ended": outcome.happened_at, WRITTEN: at}
        self._observe(OF_SINK, outcome.identity or "", times)
        if (taken_at := outcome.stages.get("taken")) is not None:
            took_s = max(0.0, (outcome.happened_at - taken_at).total_seconds())
            self._histograms[PROCESSING].observe(took_s)

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Set a gauge of GAUGES by asking at each scrape, from the thread of the scrape."""
        gauge = Gauge(name, GAUGES[name], ["identity"], registry=self.registry)
        gauge.labels(self._identity).set_function(read)

    def watch_status(self, is_ready: Callable[[], bool]) -> None:
        """Whether the process is ready, asked at each scrape."""
        gauge = Gauge(WORKER_STATUS, STATUS[WORKER_STATUS].what, registry=self.registry)
        gauge.set_function(lambda: float(is_ready()))

    def _count(self, name: str, *labels: str) -> None:
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc()

    def _observe(self, stages: tuple[Stage, ...], identity: str, times: Mapping[str, datetime]) -> None:
        for stage, took_s in durations_s(times, stages):
            self._histograms[STAGE_LATENCY].labels(stage, identity).observe(took_s)
