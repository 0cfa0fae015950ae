"""What the monitor asks: a name, how often, and the question."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.monitor.metrics import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One neighbour, or one job. `collect` is called every `period_s` seconds, always from the same thread.

    It answers with every sample of the source, anew each time. Whatever it raises says that the source is away: it is
    logged, none of its samples is exported, and it is asked again `retry_s` (None: a period) later. `close` ends what
    `collect` keeps.
    A question that takes longer than `stuck_s` never ends; None: it may take any time, and is no reason to start anew.
    `longest_s`: how long a question may take while the answer before it still counts.
    """

    name: str
    period_s: float
    collect: Callable[[], Iterable[Sample]]
    close: Callable[[], None] = lambda: None
    stuck_s: float | None = 300.0
    longest_s: float = 0.0
    retry_s: float | None = None
