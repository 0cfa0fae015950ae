"""Settings: typed, grouped by owner, complete before anything starts.

Every setting is an environment variable `STREAMS_<SECTION>__<FIELD>`. A process loads only the sections it needs
(`load(SubmitSettings)`); an unknown `STREAMS_` variable is refused, and every error names its variable.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from streams.errors import SettingsInvalid
from streams.files import SCHEMAS

PREFIX = "STREAMS_"


def _comma_separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]


class Section(BaseModel):
    """One owner's settings; frozen. Unknown variables are refused by `load`, for all sections at once."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class OutboxSettings(Section):
    """The names of the outbox table; all that a process needs which never connects to Postgres."""

    profile: str = Field(
        "snake_case",
        description="Names of the table and its columns: `snake_case`, `camel_case`, or the path of a profile.",
    )


class PostgresSettings(OutboxSettings):
    """The database that holds the outbox."""

    dsn: SecretStr = Field(description="Connection string of the outbox database, libpq form or URL.")


class PerhapsPostgresSettings(OutboxSettings):
    """For tools that are of use without a database."""

    dsn: SecretStr | None = Field(None, description="Connection string of the outbox database.")


class KafkaSettings(Section):
    """The Kafka cluster that carries the line."""

    bootstrap_servers: str = Field(description="Comma-separated `host:port` of the brokers.")
    topic_prefix: str = Field(
        "gx", description="Debezium's topic prefix: change events are `<prefix>.<schema>.<table>`."
    )
    replication_factor: PositiveInt = Field(1, description="Replication factor of the topics that we create.")
    command_partitions: PositiveInt = Field(6, description="Partitions of each `commands.<identity>` topic.")


class ConnectSettings(Section):
    """Kafka Connect, which runs Debezium."""

    url: str = Field(description="Base URL of the Connect REST API.")
    connector: str = Field("outbox", description="Name of the registered connector.")


class FabricSettings(Section):
    """The gateway peer, the channel and the credentials."""

    gateway: str = Field(description="`host:port` of the gateway peer.")
    tls_ca_file: Path = Field(description="PEM file of the CA that signed the gateway's TLS certificate.")
    server_name: str | None = Field(
        None, description="Name expected in the gateway's TLS certificate, if not the host."
    )
    channel: str = Field("gxchannel", description="Channel name.")
    chaincode: str = Field("gxtv3", description="Chaincode name.")
    msp_id: str = Field("Org1MSP", description="MSP id of the organisation that the identities belong to.")
    endorsing_orgs: Names = Field(
        ("Org1MSP", "Org2MSP"),
        description="Comma-separated MSP ids that must endorse; empty: as the policy says.",
    )
    wallet: Path = Field(description="Folder of flat files `<identity>-cert`, `<identity>-key`, `tlsca-cert`.")
    nonce_secret_file: Path = Field(
        description="File of the secret that transaction ids are derived from; made (mode 0600) when missing."
    )
    endorse_timeout_s: PositiveFloat = Field(15.0, description="Deadline of one Endorse call, seconds.")
    submit_timeout_s: PositiveFloat = Field(15.0, description="Deadline of one Submit call, seconds.")
    commit_timeout_s: PositiveFloat = Field(
        60.0, description="How long to wait for a block before looking up, seconds."
    )


class WindowSettings(Section):
    """The submit workers."""

    max_in_flight: PositiveInt = Field(500, description="Commands of one identity in flight at once.")
    retry_base_s: PositiveFloat = Field(0.1, description="First upper bound of the back-off with full jitter, seconds.")
    retry_cap_s: PositiveFloat = Field(10.0, description="Largest upper bound of the back-off, seconds.")
    conflict_cap_s: PositiveFloat = Field(
        1.0,
        description="Largest upper bound of the back-off after a read conflict, which the next block cures, seconds.",
    )
    max_attempts: PositiveInt = Field(
        100, description="Transaction ids tried for one command when the ledger says that reads conflicted."
    )
    drain_timeout_s: NonNegativeFloat = Field(
        20.0, description="How long a stopping worker lets commands in flight finish, seconds."
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
    submit: WindowSettings = WindowSettings()
    worker: WorkerSettings = WorkerSettings()


class SinkSettings(Settings):
    """What `streams sink` needs."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    worker: WorkerSettings = WorkerSettings()


class ToolSettings(Settings):
    """What the tools of the command line need: everything."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    connect: ConnectSettings
    fabric: FabricSettings
    submit: WindowSettings = WindowSettings()
    routes: Path = Field(SCHEMAS / "routes.toml", description="The table of routes.")
    worker: WorkerSettings = WorkerSettings()


S = TypeVar("S", bound=Settings)


def load(kind: type[S], env_file: Path | None = None) -> S:
    """The settings of a process, from the environment and, below it, from `env_file`.

    Raises SettingsInvalid with one line per wrong variable.
    """
    problems = list(_unknown(env_file))
    try:
        settings = kind(_env_file=env_file)
    except SettingsError as error:  # a section's name as a variable: among the unknown ones
        problems = problems or [str(error)]
    except ValidationError as error:
        problems += [
            f"{variable}: {_complaint(e['type'], e['msg'])}"
            for e in error.errors()
            for variable in _variables_at(kind, e["loc"])
        ]
    if problems:
        raise SettingsInvalid("\n".join(problems))
    return settings


def variables(kind: type[BaseModel] = ToolSettings, prefix: str = PREFIX) -> Iterator[tuple[str, type[BaseModel], str]]:
    """Every (variable, owning section, field name) below `kind`."""
    for name, field in kind.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from variables(section, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", kind, name


def _unknown(env_file: Path | None) -> Iterator[str]:
    known = [name for name, _, _ in variables()]
    given = {*os.environ, *(dotenv_values(env_file) if env_file else ())}
    for name in sorted(given):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            yield f"{name}: no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _variables_at(kind: type[Settings], location: tuple[int | str, ...]) -> Iterator[str]:
    """The variable at an error's location; for a section that is missing as a whole, its required ones."""
    at = PREFIX + "__".join(str(part).upper() for part in location[:2])
    for name, section, field in variables(kind):
        if name == at or (name.startswith(at + "__") and section.model_fields[field].is_required()):
            yield name


def _complaint(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message[0].lower() + message[1:]
