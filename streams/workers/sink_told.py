"""What the sink tells of a command's way: its last span, and the time that the whole of it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from streams.messages import Outcome, OutcomeKind
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import is_well_formed
from streams.telemetry.tracing import Tracing

_FINAL = (OutcomeKind.COMMITTED, OutcomeKind.FAILED)


@dataclass(slots=True)
class SinkTold:
    """Of every row that changed; a row that shows an outcome already does not change when the outcome comes again."""

    tracing: Tracing
    metrics: Metrics
    _held: dict[str, tuple[Outcome, str | None]] = field(default_factory=dict, init=False)

    def hold(self, batch: Iterable[tuple[Outcome, str | None]]) -> None:
        """The outcomes in hand, each with the trace context of its record, in the place of those before."""
        self._held = {}
        for outcome, traceparent in batch:
            known = self._held.get(outcome.command_id)
            # As the row: it shows the first final outcome, else the last.
            if known is None or known[0].kind not in _FINAL:
                self._held[outcome.command_id] = outcome, traceparent

    def written(self, command_ids: Iterable[str]) -> None:
        """The database has those of these commands, and their rows have changed."""
        at = datetime.now(UTC)
        for outcome, traceparent in (self._held[command_id] for command_id in command_ids):
            self.metrics.written(outcome, at)
            if outcome.kind in _FINAL:
                self._trace(outcome, traceparent, at)

    def _trace(self, outcome: Outcome, traceparent: str | None, at: datetime) -> None:
        if traceparent is not None and not is_well_formed(traceparent):
            self.metrics.malformed_traceparent()
            traceparent = None
        span = self.tracing.begin("write-back", outcome.command_id, traceparent, outcome.happened_at)
        span.end(at, identity=outcome.identity, outcome=outcome.kind, error_code=outcome.error_code)
