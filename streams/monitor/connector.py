"""Source `connect`: the connector and its tasks, as Connect's REST interface tells them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.kafka.connect_api import ConnectApi
from streams.monitor.metrics import Sample, sample

STATES = ("RUNNING", "PAUSED", "STOPPED", "FAILED", "UNASSIGNED", "RESTARTING")
"""Of connectors and tasks: org.apache.kafka.connect.runtime.AbstractStatus.State."""

MISSING = "MISSING"
"""Ours: Connect knows no such connector."""


@dataclass(frozen=True, slots=True)
class ConnectorStates:
    """Asks `api` for the connector `name`."""

    api: ConnectApi
    name: str

    def collect(self) -> Iterator[Sample]:
        """Raises OSError when Connect does not answer, or cannot tell."""
        status = self.api.certain_status(self.name)
        connector = MISSING if status is None else status.connector
        for state in (*STATES, MISSING):
            yield sample("outbox_connector_state", state == connector, connector=self.name, state=state)
        for task, found in enumerate(() if status is None else status.tasks):
            for state in STATES:
                yield sample("outbox_connector_task_state", state == found, connector=self.name, task=task, state=state)
