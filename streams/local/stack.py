"""The embedded stack, in the order in which it comes up."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams.errors import StackFailed
from streams.kafka.connect_api import ConnectApi
from streams.kafka.topics import Topic, create_topics
from streams.local.connect import Connect, Connector, Database
from streams.local.jars import install_jars
from streams.local.kafka import Kafka
from streams.local.outbox import create_outbox
from streams.local.passwords import load_passwords
from streams.local.paths import LocalPaths
from streams.local.ports import HOST, choose_ports
from streams.local.postgres import CAPTURE, OWNER, ROLES, Postgres
from streams.local.registry import read_registry
from streams.local.supervisor import Supervisor
from streams.postgres.profiles import Profile

PORTS = ("postgres", "kafka", "kafka-controller", "connect", "connect-metrics")
DATABASE = "outbox"
_LOOK_EVERY_S, _REVIVE_EVERY_S = 0.2, 5.0


class Stack:
    """Postgres, Kafka and Connect with the outbox connector, under one supervisor.

    A context manager that stops everything however it is left. `after_kafka` is called when Kafka and Postgres are
    healthy and before the connector is registered: create topics there, and spawn on `supervisor` what needs them,
    to come up beside Connect. `notice` gets one line per event. `ports` sets any of PORTS.
    """

    def __init__(
        self,
        paths: LocalPaths,
        profile: Profile,
        *,
        connector: Connector | None = None,
        ports: Mapping[str, int] | None = None,
        fsync: bool = True,
        after_kafka: Callable[[Stack], None] = lambda _: None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.paths = paths
        self.profile = profile
        self.connector = connector or Connector()
        self._after_kafka = after_kafka
        self._notice = notice
        self._began_at = time.monotonic()
        paths.make()
        self._lock = _lock(paths.state / "lock", paths.registry)
        chosen = choose_ports(paths.state / "ports.json", PORTS, ports)
        self._passwords_file = paths.state / "passwords.properties"
        passwords = load_passwords(self._passwords_file, ROLES)
        jars = install_jars(paths.jars)
        self.supervisor = Supervisor(logs=paths.logs, registry=paths.registry, notice=notice)
        self.postgres = Postgres(paths=paths, port=chosen["postgres"], passwords=passwords, fsync=fsync)
        self.kafka = Kafka(paths=paths, jars=jars, port=chosen["kafka"], controller_port=chosen["kafka-controller"])
        self.connect = Connect(
            paths=paths,
            jars=jars,
            port=chosen["connect"],
            metrics_port=chosen["connect-metrics"],
            bootstrap_servers=self.kafka.bootstrap_servers,
        )
        self.connect_api = ConnectApi(self.connect.url)
        self._registered: set[str] = set()
        self._revive_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bring everything up; returns when the connector's task runs. Raises StackFailed with the cause.

        All three start at once: Connect waits for Kafka by itself, while its JVM warms up.
        """
        self.postgres.prepare()
        self.supervisor.spawn(self.postgres.process())
        self.kafka.prepare()
        self.supervisor.spawn(self.kafka.process())
        self.connect.prepare()
        self.supervisor.spawn(self.connect.process())

        self._wait_healthy("postgres")
        create_outbox(self.postgres, DATABASE, self.profile, self.connector.publication)
        self._wait_healthy("kafka")
        self._after_kafka(self)
        self._wait_healthy("connect")
        self.register(self.connector, self.profile, DATABASE)
        self._notice(f"connector runs ({self._age_s:.1f} s)")

    def register(self, connector: Connector, profile: Profile, database: str) -> None:
        """Register a connector for the outbox in `database` and wait until it runs. Raises StackFailed."""
        topics = [Topic(connector.signal_topic, 1), Topic(connector.notification_topic, 1)]
        create_topics(self.kafka.bootstrap_servers, topics)
        source = Database(
            host=HOST,
            port=self.postgres.port,
            name=database,
            user=CAPTURE,
            passwords_file=self._passwords_file,
        )
        config = connector.config(profile, source, self.kafka.bootstrap_servers)
        self.connect_api.register(connector.name, config)
        self.connect_api.wait_running(connector.name)
        self._registered.add(connector.name)

    def supervise(self, until: threading.Event | None = None) -> None:
        """Restart children that die and connector tasks that failed, until the event is set or KeyboardInterrupt."""
        until = until or threading.Event()
        while not until.wait(_LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        """Look at everything once, and restart what should be. Call it again and again; it does not wait."""
        self.supervisor.look()
        if time.monotonic() >= self._revive_at:
            self._revive_at = time.monotonic() + _REVIVE_EVERY_S
            self._revive_connectors()

    def stop(self) -> None:
        """Stop everything that was started, in reverse; the state stays."""
        self.supervisor.stop()
        self._lock.close()

    def environment(self) -> dict[str, str]:
        """The settings under which the project's processes reach this stack. Holds the owner's password."""
        return {
            "STREAMS_POSTGRES__DSN": self.postgres.dsn(OWNER, DATABASE),
            "STREAMS_POSTGRES__PROFILE": self.profile.name,
            "STREAMS_KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "STREAMS_KAFKA__TOPIC_PREFIX": self.connector.topic_prefix,
            "STREAMS_CONNECT__URL": self.connect.url,
            "STREAMS_CONNECT__CONNECTOR": self.connector.name,
        }

    def _revive_connectors(self) -> None:
        """Connect leaves a task that failed as it is, for instance after Postgres was away for long."""
        for name in self._registered:
            try:
                if self.connect_api.restart_failed(name):
                    self._notice(f"the connector {name} had failed and is restarted")
            except OSError:
                return  # Connect itself is down: the supervisor sees to that

    def _wait_healthy(self, name: str) -> None:
        self.supervisor.wait_healthy(name)
        self._notice(f"{name} is healthy ({self._age_s:.1f} s)")

    @property
    def _age_s(self) -> float:
        return time.monotonic() - self._began_at


def _lock(file: Path, registry: Path) -> IO[str]:
    """Hold the state folder for this process. Raises StackFailed if another one holds it."""
    stream = file.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        running = read_registry(registry)
        owner = f" under process {running.supervisor.pid}" if running else ""
        raise StackFailed(f"the stack in {file.parent} is running already{owner}") from error
    return stream
