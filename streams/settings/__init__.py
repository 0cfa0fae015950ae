"""Settings: typed, grouped by owner, complete before anything starts.

Every setting is an environment variable `STREAMS_<SECTION>__<FIELD>`. A process loads only the sections it needs
(`load(SubmitSettings)`); an unknown `STREAMS_` variable is refused, and every error names its variable.
"""

from streams.settings.loading import load, variables
from streams.settings.monitor import WalletSettings, WatchSettings
from streams.settings.processes import (
    PREFIX,
    ExternalLedgerSettings,
    LagSettings,
    MonitorSettings,
    RoutesCheckSettings,
    RouteSettings,
    SendSettings,
    Settings,
    SinkSettings,
    SubmitSettings,
    ToolSettings,
    UpSettings,
)
from streams.settings.sections import (
    ConnectSettings,
    FabricSettings,
    KafkaSettings,
    OutboxSettings,
    PerhapsPostgresSettings,
    PostgresSettings,
)
from streams.settings.workers import TracingSettings, WindowSettings, WorkerSettings

__all__ = [
    "PREFIX",
    "ConnectSettings",
    "ExternalLedgerSettings",
    "FabricSettings",
    "KafkaSettings",
    "LagSettings",
    "MonitorSettings",
    "OutboxSettings",
    "PerhapsPostgresSettings",
    "PostgresSettings",
    "RouteSettings",
    "RoutesCheckSettings",
    "SendSettings",
    "Settings",
    "SinkSettings",
    "SubmitSettings",
    "ToolSettings",
    "TracingSettings",
    "UpSettings",
    "WalletSettings",
    "WatchSettings",
    "WindowSettings",
    "WorkerSettings",
    "load",
    "variables",
]
