"""The settings of the workers: what each process has, and the window of the submit workers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic_settings import NoDecode

from streams.settings.sections import Section


def _weights(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.rpartition("=") for part in value.split(",") if part.strip()]
    if not all(tenant.strip() for tenant, _, _ in parts):
        raise ValueError("is not comma-separated `tenant=weight`")
    return {tenant.strip(): weight for tenant, _, weight in parts}


Weights = Annotated[dict[str, PositiveFloat], NoDecode, BeforeValidator(_weights)]


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("is not `host:port`")
    return value


Address = Annotated[str, AfterValidator(_address)]
"""`host:port` to listen at."""


class WindowSettings(Section):
    """The submit workers."""

    max_in_flight: PositiveInt = Field(500, description="Commands of one identity in flight at once.")
    max_unacknowledged: PositiveInt = Field(
        2000,
        description="How far the newest command taken from a partition may be ahead of the oldest that is not final; "
        "then the partition is paused until half of that.",
    )
    tenant_weights: Weights = Field(
        {}, description="Shares of the window, comma-separated `tenant=weight`; whoever is not named has weight 1."
    )
    retry_base_s: PositiveFloat = Field(0.1, description="First upper bound of the back-off with full jitter, seconds.")
    retry_cap_s: PositiveFloat = Field(10.0, description="Largest upper bound of the back-off, seconds.")
    conflict_cap_s: PositiveFloat = Field(
        1.0,
        description="Largest upper bound of the back-off after a read conflict, which the next block cures, seconds.",
    )
    wait_cap_s: PositiveFloat = Field(
        30.0,
        description="Largest upper bound of the back-off while a chaincode holds a command back, seconds.",
    )
    max_attempts: PositiveInt = Field(
        10_000,
        description="Transaction ids tried for one command when the ledger says that reads conflicted, then FAILED.",
    )
    max_tries: PositiveInt = Field(
        100,
        description="Tries of one transaction without progress while others get through, then parked as unknown.",
    )
    max_refusals: PositiveInt = Field(
        20, description="Refusals of meaning `retry` that one command may meet, then FAILED."
    )
    breaker_threshold: PositiveInt = Field(
        5, description="Answers in a row that say the identity's way to the ledger is ill; then no command is started."
    )
    breaker_base_s: PositiveFloat = Field(0.5, description="First upper bound of the wait for a probe, seconds.")
    breaker_cap_s: PositiveFloat = Field(15.0, description="Largest upper bound of the wait for a probe, seconds.")
    drain_timeout_s: NonNegativeFloat = Field(
        20.0, description="How long a stopping worker lets commands in flight finish, seconds."
    )


class TracingSettings(Section):
    """Traces of the commands' way, through OpenTelemetry."""

    endpoint: str | None = Field(
        None,
        description="Base URL of a collector that takes OTLP over HTTP, e.g. `http://127.0.0.1:4318`; unless it or "
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, no spans are made. The other OTEL_* variables hold too.",
    )


class WorkerSettings(Section):
    """What every worker process has."""

    name: str | None = Field(
        None, description="Name of this replica in outcomes and logs; default: host and process id."
    )
    identity: str | None = Field(
        None, description="The identity of a submit worker started the Faust way; `--identity` otherwise."
    )
    static_membership: bool = Field(
        False,
        description="Join consumer groups under the worker's name, so that a restart does not rebalance.",
    )
    listen: Address | None = Field(
        None, description="`host:port` that answers /live, /ready and /metrics; nothing listens unless it is set."
    )
    stuck_after_s: PositiveFloat = Field(
        300.0,
        description="/live fails when a partition has lag, is not paused, and nothing was taken for so long, seconds.",
    )
    dead_letters_per_minute: PositiveInt = Field(
        600, description="Dead letters that a route or submit worker publishes in a minute; beyond, its intake stops."
    )
