"""What the route worker tells of a command's way: two spans, and the time of two stages, once the brokers have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streams.messages import ChangeEvent, RoutedCommand
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import is_well_formed
from streams.telemetry.tracing import Span, Tracing


@dataclass(frozen=True, slots=True)
class RoutingTold:
    """Of every command of one process."""

    tracing: Tracing
    metrics: Metrics

    def begin(self, change: ChangeEvent) -> Told:
        """A decision is taken about this command; a trace context that is malformed is passed over and counted."""
        command, traceparent = change.command, change.traceparent
        if traceparent is not None and not is_well_formed(traceparent):
            self.metrics.malformed_traceparent()
            traceparent = None
        captured = self.tracing.begin("capture", command.command_id, traceparent, command.created_at)
        return Told(self.metrics, change, captured, captured.then("route", change.captured_at))


@dataclass(slots=True)
class Told:
    """Of one command. `command` is None until it is routed."""

    metrics: Metrics
    change: ChangeEvent
    capture: Span
    route: Span
    command: RoutedCommand | None = None
    refusal: tuple[str, datetime] | None = None

    @property
    def traceparent(self) -> str | None:
        """What the records that are made of the command carry."""
        return self.route.traceparent

    def refused_because(self, error: str, at: datetime) -> None:
        """It goes no further."""
        self.refusal = error, at

    def delivered(self) -> None:
        """The brokers have what became of it."""
        change, command = self.change, self.command
        self.capture.end(change.captured_at)
        if self.refusal is not None:
            error, at = self.refusal
            self.route.end(at, error=error, command_type=change.command.command_type)
        elif command is not None:
            self.route.end(command.routed_at, command_type=command.command_type, identity=command.identity)
            times = {"created": command.created_at, "captured": command.captured_at, "routed": command.routed_at}
            self.metrics.routed(command.identity, times)
