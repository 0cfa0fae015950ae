"""The way of a command as spans: one trace per command, over all processes. Off unless it is asked for.

While it is off, the trace context that a service gave its row is carried on all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streams.messages import Outcome
from streams.telemetry.stages import BOUNDS, Stage


class Span(Protocol):
    """A stretch of a command's way that has begun; nobody sees it unless it is ended."""

    @property
    def traceparent(self) -> str | None:
        """What records and calls made within it carry."""
        ...

    def then(self, name: str, began_at: datetime) -> Span:
        """A span that follows from this one."""
        ...

    def end(self, ended_at: datetime, *, error: str | None = None, **attributes: str | int | bool | None) -> None:
        """It is over; `error` says why the command came no further. An attribute that is None is left out."""
        ...


class Tracing(Protocol):
    """Where the spans of one process go."""

    def begin(self, name: str, command_id: str, traceparent: str | None, began_at: datetime) -> Span:
        """The first span of a command in this process; without a trace context it begins the command's own trace.

        That trace's id follows from the command id, so whoever begins it, and however often, it is one.
        """
        ...

    def close(self) -> None:
        """Send what is left. Returns within seconds, also when nobody takes it."""
        ...


@dataclass(frozen=True, slots=True)
class _Passing:
    """No span: what came in goes out."""

    traceparent: str | None

    def then(self, name: str, began_at: datetime) -> _Passing:
        return self

    def end(self, ended_at: datetime, *, error: str | None = None, **attributes: str | int | bool | None) -> None:
        """Nobody is told."""


class NoTracing:
    """Trace contexts pass through, nothing else."""

    def begin(self, name: str, command_id: str, traceparent: str | None, began_at: datetime) -> Span:
        return _Passing(traceparent)

    def close(self) -> None:
        """Nothing is left."""


LEDGER_STAGES = (Stage.ENDORSE, Stage.SUBMIT, Stage.COMMIT)


def end_submission(span: Span, outcome: Outcome) -> None:
    """End the span of a submission with the ledger's steps in it, as far as the outcome tells their times."""
    for stage in LEDGER_STAGES:
        began, ended = BOUNDS[stage]
        if began in outcome.stages and ended in outcome.stages:
            span.then(f"ledger.{stage}", outcome.stages[began]).end(outcome.stages[ended])
    span.end(
        outcome.happened_at,
        error=outcome.error,
        command_type=outcome.command_type,
        identity=outcome.identity,
        outcome=outcome.kind,
        error_code=outcome.error_code,
        transaction_id=outcome.transaction_id,
        block_number=outcome.block_number,
        attempts=outcome.attempts,
    )
