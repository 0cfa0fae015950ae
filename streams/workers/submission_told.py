"""What a submit worker tells of a command's way: its span with the ledger's steps, and the time of its stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from streams.messages import Outcome, OutcomeKind
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import carrying, is_well_formed
from streams.telemetry.tracing import Span, Tracing, end_submission


@dataclass(frozen=True, slots=True)
class SubmissionTold:
    """Of every command of one process."""

    tracing: Tracing
    metrics: Metrics

    @contextmanager
    def submission(self, command_id: str, traceparent: str | None, taken_at: datetime) -> Iterator[Told]:
        """Within it, records and calls of the ledger carry the trace context; nobody is told unless it ends."""
        span = self.tracing.begin("submit", command_id, self._checked(traceparent), taken_at)
        with carrying(span.traceparent):
            yield Told(self.metrics, span)

    @contextmanager
    def again(self, traceparent: str | None) -> Iterator[None]:
        """A command that has ended was delivered again: its outcome is repeated, and nothing is told twice."""
        self.metrics.absorbed()
        with self.passing_on(traceparent):
            yield

    @contextmanager
    def passing_on(self, traceparent: str | None) -> Iterator[None]:
        """Within it, records carry the trace context that came in."""
        with carrying(self._checked(traceparent)):
            yield

    def _checked(self, traceparent: str | None) -> str | None:
        """Others may write to the topic too: a malformed one is passed over and counted."""
        if traceparent is not None and not is_well_formed(traceparent):
            self.metrics.malformed_traceparent()
            return None
        return traceparent


@dataclass(frozen=True, slots=True)
class Told:
    """Of one submission."""

    metrics: Metrics
    span: Span

    def ended(self, outcome: Outcome) -> None:
        """The brokers have its outcome."""
        if outcome.kind is OutcomeKind.COMMITTED and "endorsed" not in outcome.stages:
            # It was on the ledger already. Another process may have observed its stages, or died before.
            self.metrics.absorbed()
        else:
            self.metrics.ended(outcome)
        end_submission(self.span, outcome)
