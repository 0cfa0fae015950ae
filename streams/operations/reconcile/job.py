"""The same now and then, read-only, for the monitor: counts by kind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from streams.errors import PipelineError
from streams.operations.reconcile.findings import Window
from streams.operations.reconcile.gather import Parties
from streams.operations.reconcile.kinds import OF_THE_LEDGER, Kind
from streams.operations.reconcile.notebook import open_notebook
from streams.operations.reconcile.run import LEDGER_AWAY, Reconciliation
from streams.settings import FabricSettings, ReconcileSettings

DEFAULT_SETTLE_S = 300.0
"""Where no ledger is configured."""


def usual_window(settings: ReconcileSettings, settle_s: float, now: datetime) -> Window:
    """From the settings: up to what may still be under way."""
    back_s = settings.window_s + settle_s
    return Window(since=now - timedelta(seconds=back_s), until=now - timedelta(seconds=settings.grace_s))


def reconcile_once(parties: Parties, settings: ReconcileSettings, fabric: FabricSettings | None) -> Mapping[Kind, int]:
    """How many findings of each kind there are now, zeros included; changes nothing and blocks until it is done.

    Asks the ledger as the identity `settings.reader` alone. Without `fabric` the kinds that only the ledger can tell
    are left out. Raises PipelineError (a ledger that is away included), psycopg.Error, KafkaException.
    """
    settle_s = fabric.settle_s if fabric else DEFAULT_SETTLE_S
    reconciliation = Reconciliation(
        parties=parties,
        fabric=fabric,
        signers=(settings.reader,) if fabric and settings.reader else (),
        window=usual_window(settings, settle_s, datetime.now(UTC)),
        submitted_for=timedelta(seconds=settle_s),
        capture_patience_s=settings.capture_patience_s,
        asks_ledger=False,
    )
    with open_notebook() as notebook:
        report = asyncio.run(reconciliation.run(notebook))
    if LEDGER_AWAY in report.not_judged:
        raise PipelineError(LEDGER_AWAY)
    return {kind: count for kind, count in report.counts.items() if fabric or kind not in OF_THE_LEDGER}
