"""One section per neighbour: the settings of Postgres, Kafka, Connect and Fabric."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)
from pydantic_settings import NoDecode


def _comma_separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]


def _one_or_more(value: str) -> str:
    if not _comma_separated(value):
        raise ValueError("names no `host:port`")
    return value


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
    slot: str = Field("gx_outbox", description="Replication slot of that connector: its `slot.name`.")


class FabricSettings(Section):
    """The gateway peer, the channel and the credentials."""

    gateway: Annotated[str, AfterValidator(_one_or_more)] = Field(
        description="Comma-separated `host:port` of the gateway peers; the others stand in for one that is ill."
    )
    tls_ca_file: Path = Field(description="PEM file of the CAs that signed the gateways' TLS certificates.")
    server_name: str | None = Field(
        None, description="Name expected in the gateways' TLS certificates, if not the host."
    )
    channel: str = Field("gxchannel", description="Channel name.")
    chaincode: str = Field("gxtv3", description="Chaincode name.")
    msp_id: str = Field("Org1MSP", description="MSP id of the organisation that the identities belong to.")
    endorsing_orgs: Names = Field(
        ("Org1MSP", "Org2MSP"),
        description="Comma-separated MSP ids that must endorse; empty: as the policy says.",
    )
    wallet: Path = Field(
        description="Folder of flat files `<identity>-cert`, `<identity>-key`, `tlsca-cert`; followed for renewed ones."
    )
    nonce_secret_file: Path = Field(
        description="File of the secret that transaction ids follow from; the same for every process of a deployment."
    )
    endorse_timeout_s: PositiveFloat = Field(15.0, description="Deadline of one Endorse call, seconds.")
    submit_timeout_s: PositiveFloat = Field(15.0, description="Deadline of one Submit call, seconds.")
    commit_timeout_s: PositiveFloat = Field(
        60.0, description="How long to wait for a block before looking up, seconds."
    )
    settle_s: PositiveFloat = Field(
        300.0,
        description="How long what another process submitted may take into a block, seconds; until then silence of the"
        " ledger proves nothing. Longer than an orderer ever stands still.",
    )
    certificate_overlap_s: PositiveFloat = Field(
        600.0,
        description="How long after a renewal commands may still be signed with the certificate before, somewhere,"
        " seconds; a new pair must reach every wallet in half of it.",
    )

    @property
    def gateways(self) -> tuple[str, ...]:
        """`host:port` of each gateway, once."""
        return tuple(dict.fromkeys(part.strip() for part in self.gateway.split(",") if part.strip()))
