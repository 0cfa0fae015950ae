"""The closed set of metrics of the workers. Labels come from closed sets too: no ids, no texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from streams.messages import DeadLetterKind, Outcome

GAUGES: Mapping[str, str] = {
    "outbox_breaker_open": "1: no command is started, 0.5: one is on its way to find out, 0: closed",
    "outbox_window_limit": "Commands of the identity that may be in flight at once, as the gateway bears it",
    "outbox_window_in_use": "Commands of the identity in flight",
    "outbox_window_waiting": "Commands of the identity that wait for a slot",
    "outbox_lanes": "Keys that hold commands",
    "outbox_commands_held": "Commands taken and not final",
    "outbox_commands_unacknowledged": "Commands taken and not acknowledged",
    "outbox_replays_in_flight": "Replayed commands among those held; the others wait for their share of the window",
    "outbox_partitions_paused": "Partitions whose newest command is too far ahead of their oldest",
    "outbox_lanes_paused": "Pauses of operators that are about commands of the identity",
    "outbox_gateway_blocks_behind": "Blocks that the gateway has and the worker has not seen",
    "outbox_answers_unrecognised": "Answers of the ledger of a kind never seen, since the start",
}
"""Read at the time of the scrape; each with the label `identity`."""


class Metrics:
    """The metrics of one process, in a registry of its own. `identity` is empty where a process has none."""

    def __init__(self, identity: str = "", registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._identity = identity
        self._outcomes = self._counter("outbox_outcomes", "Outcomes published", "kind", "code")
        self._dead_letters = self._counter("outbox_dead_letters", "Dead letters published", "kind")
        self._retries = self._counter("outbox_retries", "Errors of the ledger, by what is done", "verdict", "code")
        self._absorbed = self._counter("outbox_redeliveries_absorbed", "Deliveries of commands that were final")

    def outcome(self, outcome: Outcome) -> None:
        """An outcome was published."""
        self._outcomes.labels(self._identity, outcome.kind, outcome.error_code or "").inc()

    def dead_letter(self, kind: DeadLetterKind) -> None:
        """A dead letter was published."""
        self._dead_letters.labels(self._identity, kind).inc()

    def retried(self, verdict: str, code: str) -> None:
        """The ledger answered with an error, or not at all."""
        self._retries.labels(self._identity, verdict, code).inc()

    def absorbed(self) -> None:
        """A command was delivered again that was final."""
        self._absorbed.labels(self._identity).inc()

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Set a gauge of GAUGES by asking at each scrape, from the thread of the scrape."""
        gauge = Gauge(name, GAUGES[name], ["identity"], registry=self.registry)
        gauge.labels(self._identity).set_function(read)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, ["identity", *labels], registry=self.registry)
