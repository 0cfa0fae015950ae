"""How patient a submit worker is with the ledger: its settings, as the stage takes them."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from streams.errors import LedgerError
from streams.ledger import Ledger
from streams.messages import Outcome, RoutedCommand
from streams.retry import Backoff, Meaning, Verdict
from streams.settings import SubmitSettings
from streams.stages.submit import Surroundings
from streams.telemetry.metrics import Metrics
from streams.workers.health import IdentityHealth
from streams.workers.retry_log import RetryLog


def backoff(base_s: float, cap_s: float) -> Backoff:
    """With full jitter."""
    return Backoff(base_s=base_s, cap_s=cap_s, jitter=random.uniform)


def surroundings(
    settings: SubmitSettings,
    *,
    ledger: Ledger,
    health: IdentityHealth,
    meaning: Callable[[str], Meaning],
    report: Callable[[Outcome], Awaitable[None]],
    metrics: Metrics,
    now: Callable[[], datetime],
    worker: str,
) -> Surroundings:
    """What the submit stage needs, for a worker process."""
    submit, log = settings.submit, RetryLog(time.monotonic)

    def notice(command: RoutedCommand, error: LedgerError, decision: Verdict) -> None:
        metrics.retried(decision, error.code)
        log.notice(command, error, decision)

    return Surroundings(
        ledger=ledger,
        backoff=backoff(submit.retry_base_s, submit.retry_cap_s),
        conflict_backoff=backoff(submit.retry_base_s, submit.conflict_cap_s),
        wait_backoff=backoff(submit.retry_base_s, submit.wait_cap_s),
        max_attempts=submit.max_attempts,
        max_tries=submit.max_tries,
        max_refusals=submit.max_refusals,
        meaning=meaning,
        health=health,
        now=now,
        report=report,
        notice=notice,
        worker=worker,
        settle_s=settings.fabric.settle_s,
    )
