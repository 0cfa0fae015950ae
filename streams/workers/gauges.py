"""What the gauges of a submit worker read at a scrape."""

from __future__ import annotations

from streams.breaker import Breaker, BreakerState
from streams.fabric.gateway import Gateway
from streams.telemetry.metrics import Metrics
from streams.window import Window
from streams.workers.carrier import Carrier
from streams.workers.intake import Intake

_OPEN = {BreakerState.CLOSED: 0.0, BreakerState.PROBING: 0.5, BreakerState.OPEN: 1.0}


def watch_worker(metrics: Metrics, breaker: Breaker, window: Window, carrier: Carrier, intake: Intake) -> None:
    """The worker's own state."""
    metrics.watch("outbox_breaker_open", lambda: _OPEN[breaker.state])
    metrics.watch("outbox_window_limit", lambda: window.limit)
    metrics.watch("outbox_window_in_use", lambda: window.in_use)
    metrics.watch("outbox_window_waiting", lambda: window.waiting)
    metrics.watch("outbox_lanes", lambda: carrier.lanes.keys)
    metrics.watch("outbox_commands_held", lambda: carrier.lanes.items)
    metrics.watch("outbox_replays_in_flight", lambda: carrier.replays.in_flight)
    metrics.watch("outbox_commands_unacknowledged", lambda: intake.unacknowledged)
    metrics.watch("outbox_partitions_paused", lambda: intake.paused)


def watch_gateway(metrics: Metrics, gateway: Gateway) -> None:
    """What the ledger client counts."""
    metrics.watch("outbox_gateway_blocks_behind", lambda: gateway.blocks.behind or 0)
    metrics.watch("outbox_answers_unrecognised", gateway.unrecognised.total)
