"""Kafka Connect in the embedded stack, and the outbox connector's configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.files import CONNECTORS
from streams.kafka.connect_api import ConnectApi
from streams.local.jvm import java_command
from streams.local.paths import LocalPaths
from streams.local.ports import HOST
from streams.local.process import Process
from streams.local.templates import render, render_json
from streams.postgres.profiles import Profile

_FLUSH_MS = 1000
_AGENT = "jmx_prometheus_javaagent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where a connector finds its database; the password is in `passwords_file` under the name of `user`."""

    host: str
    port: int
    name: str
    user: str
    passwords_file: Path
    sslmode: str = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """The outbox connector for one table. Slot and publication live in the database, prefix and topics in Kafka."""

    name: str = "outbox"
    topic_prefix: str = "gx"
    slot: str = "gx_outbox"
    publication: str = "gx_outbox"
    replication_factor: int = 1

    @property
    def signal_topic(self) -> str:
        """Debezium reads signals from it; it has to exist."""
        return f"{self.topic_prefix}.cdc.signals"

    @property
    def notification_topic(self) -> str:
        """Debezium writes to it how a snapshot goes."""
        return f"{self.topic_prefix}.cdc.notifications"

    def config(self, profile: Profile, database: Database, bootstrap_servers: str) -> dict[str, str]:
        """What Connect is given: `connectors/outbox.json`, filled in. Holds no password."""
        values = {
            "database_host": database.host,
            "database_port": database.port,
            "database_name": database.name,
            "database_user": database.user,
            "database_sslmode": database.sslmode,
            "passwords_file": database.passwords_file,
            "schema": profile.schema,
            "table": profile.table,
            "topic_prefix": self.topic_prefix,
            "slot": self.slot,
            "publication": self.publication,
            "signal_topic": self.signal_topic,
            "notification_topic": self.notification_topic,
            "bootstrap_servers": bootstrap_servers,
            "replication_factor": self.replication_factor,
        }
        columns = {name: profile.columns[name] for name in ("command_type", "status", "created_at")}
        return render_json(CONNECTORS / "outbox.json", values | columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """One Connect worker in distributed mode; its REST interface is at `url`, /metrics at `metrics_address`."""

    paths: LocalPaths
    jars: Sequence[Path]
    port: int
    metrics_port: int
    bootstrap_servers: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def metrics_address(self) -> str:
        """`host:port` of the Prometheus JMX agent in the worker's JVM."""
        return f"{HOST}:{self.metrics_port}"

    @property
    def _properties(self) -> Path:
        return self.paths.state / "worker.properties"

    @property
    def _agent(self) -> str:
        jar = next(jar for jar in self.jars if jar.name.startswith(f"{_AGENT}-"))
        return f"-javaagent:{jar}={self.metrics_address}:{CONNECTORS / 'connect-metrics.yaml'}"

    def prepare(self) -> None:
        """Write the configuration."""
        plugins = self.paths.state / "plugins"  # Debezium is on the class path; Connect wants a folder all the same
        plugins.mkdir(exist_ok=True)
        values = {
            "bootstrap_servers": self.bootstrap_servers,
            "group_id": "connect",
            "listeners": self.url,
            "plugin_path": plugins,
            "replication_factor": 1,
            "offset_flush_interval_ms": _FLUSH_MS,
        }
        self._properties.write_text(render(CONNECTORS / "worker.properties", values))

    def process(self) -> Process:
        """The worker; healthy when it has joined its group."""
        main = "org.apache.kafka.connect.cli.ConnectDistributed"
        return Process(
            name="connect",
            argv=java_command(main, str(self._properties), jars=self.jars, options=[self._agent]),
            healthy=lambda: ConnectApi(self.url).is_healthy,
            start_deadline_s=120.0,
        )
