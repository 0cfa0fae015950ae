"""Source `reconcile`: what does not agree between rows, topics and ledger. The tool for it is `streams reconcile`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from streams.monitor.metrics import Sample, sample
from streams.operations.reconcile.gather import Parties
from streams.operations.reconcile.job import reconcile_once
from streams.settings import FabricSettings, ReconcileSettings

LONGEST_RUN_S = 3600.0
"""A run reads a day of topics and, where there is a reader, a day of blocks."""

RUN_PERIODS = 4
"""Runs that are made seldom may take longer: what the run before has found is shown until then."""

RETRY_S = 15.0
"""After a run that failed: a neighbour that is away fails it in its first seconds."""


@dataclass(frozen=True, slots=True)
class Reconciliations:
    """One run each time it is asked; read-only."""

    parties: Parties
    settings: ReconcileSettings
    fabric: FabricSettings | None

    def collect(self) -> Iterator[Sample]:
        """Raises PipelineError, psycopg.Error, confluent_kafka.KafkaException."""
        for kind, count in reconcile_once(self.parties, self.settings, self.fabric).items():
            yield sample("outbox_reconcile_missing", count, kind=kind)
        yield sample("outbox_reconcile_last_run_timestamp_seconds", time.time())
