"""What each process needs: the sections it loads, and no other."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.files import SCHEMAS
from streams.settings.monitor import WalletSettings, WatchSettings
from streams.settings.sections import (
    ConnectSettings,
    FabricSettings,
    KafkaSettings,
    OutboxSettings,
    PerhapsPostgresSettings,
    PostgresSettings,
)
from streams.settings.workers import TracingSettings, WindowSettings, WorkerSettings

PREFIX = "STREAMS_"
REFUSALS = Field(SCHEMAS / "refusals.toml", description="The table of what a chaincode's refusals mean.")


class Settings(BaseSettings):
    """The root of every process's settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="ignore", hide_input_in_errors=True
    )


class RouteSettings(Settings):
    """What `streams worker route` needs."""

    postgres: OutboxSettings = OutboxSettings()
    kafka: KafkaSettings
    routes: Path = Field(SCHEMAS / "routes.toml", description="The table of routes.")
    tracing: TracingSettings = TracingSettings()
    worker: WorkerSettings = WorkerSettings()


class UpSettings(Settings):
    """What `streams up` and `streams demo` look at before they start anything: what they pass on to the workers."""

    refusals: Path = REFUSALS
    submit: WindowSettings = WindowSettings()
    tracing: TracingSettings = TracingSettings()
    worker: WorkerSettings = WorkerSettings()


class ExternalLedgerSettings(Settings):
    """What `streams up --ledger external` needs."""

    fabric: FabricSettings


class SendSettings(Settings):
    """What `streams send` needs."""

    postgres: PostgresSettings


class RoutesCheckSettings(Settings):
    """What `streams routes check` needs: nothing."""

    postgres: PerhapsPostgresSettings = PerhapsPostgresSettings()
    routes: Path = Field(SCHEMAS / "routes.toml", description="The table of routes.")


class SubmitSettings(Settings):
    """What `streams worker submit` needs."""

    kafka: KafkaSettings
    fabric: FabricSettings
    refusals: Path = REFUSALS
    submit: WindowSettings = WindowSettings()
    tracing: TracingSettings = TracingSettings()
    worker: WorkerSettings = WorkerSettings()


class SinkSettings(Settings):
    """What `streams sink` needs."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    tracing: TracingSettings = TracingSettings()
    worker: WorkerSettings = WorkerSettings()


class MonitorSettings(Settings):
    """What `streams monitor` needs."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    connect: ConnectSettings
    fabric: WalletSettings = WalletSettings()
    routes: Path = Field(SCHEMAS / "routes.toml", description="The table of routes.")
    monitor: WatchSettings = WatchSettings()


class LagSettings(Settings):
    """What `streams lag` needs."""

    postgres: OutboxSettings = OutboxSettings()
    kafka: KafkaSettings
    routes: Path = Field(SCHEMAS / "routes.toml", description="The table of routes.")
    monitor: WatchSettings = WatchSettings()


class ToolSettings(Settings):
    """What the tools of the command line need: everything."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    connect: ConnectSettings
    fabric: FabricSettings
    submit: WindowSettings = WindowSettings()
    routes: Path = Field(SCHEMAS / "routes.toml", description="The table of routes.")
    refusals: Path = REFUSALS
    tracing: TracingSettings = TracingSettings()
    worker: WorkerSettings = WorkerSettings()
    monitor: WatchSettings = WatchSettings()
