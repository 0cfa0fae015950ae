"""The same now and then, read-only, for the monitor: counts by kind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from streams.operations.reconcile.findings import Window
from streams.operations.reconcile.kinds import Kind
from streams.operations.reconcile.notebook import open_notebook
from streams.operations.reconcile.run import Reconciliation
from streams.settings import ToolSettings


def usual_window(settings: ToolSettings, now: datetime) -> Window:
    """From the settings: up to what may still be under way."""
    back_s = settings.reconcile.window_s + settings.fabric.settle_s
    return Window(since=now - timedelta(seconds=back_s), until=now - timedelta(seconds=settings.reconcile.grace_s))


def reconcile_once(settings: ToolSettings) -> Mapping[Kind, int]:
    """How many findings of each kind there are now, zeros included; changes nothing and blocks until it is done.

    Signs its questions with the first identity of the routes only. Raises PipelineError, psycopg.Error, KafkaException.
    """
    with open_notebook() as notebook:
        every_identity = Reconciliation.of(settings, usual_window(settings, datetime.now(UTC)))
        reader = replace(every_identity, signers=every_identity.signers[:1], asks_ledger=False)
        return asyncio.run(reader.run(notebook)).counts
