"""The settings of the monitor, and of the tools that ask it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PositiveFloat

from streams.settings.sections import Names, Section
from streams.settings.workers import Address


class WatchSettings(Section):
    """The monitor, which exports how the line is."""

    listen: Address = Field("127.0.0.1:9640", description="`host:port` that answers /live, /ready and /metrics.")
    url: str | None = Field(None, description="Base URL at which tools find a monitor that runs.")
    period_s: PositiveFloat = Field(5.0, description="How often Kafka, Postgres and Connect are asked, seconds.")
    cluster_name: str = Field(
        "default", description="Label `cluster_name` of the metrics named as kafka-lag-exporter's."
    )
    groups: Names = Field(
        (), description="Comma-separated consumer groups to watch beside those of the line, on every topic."
    )


class WalletSettings(Section):
    """The credentials, for a process that reads certificates only."""

    wallet: Path | None = Field(None, description="Folder of the identities' certificates; none: not watched.")
