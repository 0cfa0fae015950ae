"""The whole line on one machine: the embedded stack, a ledger, and the workers, under one supervisor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from confluent_kafka import KafkaException

from streams.errors import StackFailed
from streams.fabric.ids import create_secret
from streams.files import SCHEMAS
from streams.kafka.groups import ROUTE, WRITE_BACK, has_members, submit_group
from streams.kafka.topics import create_topics, line_topics
from streams.local.ledgers import LEDGER_PORTS, LedgerOptions, check_state, choose_ledger, note_ledger
from streams.local.paths import LocalPaths
from streams.local.ports import HOST, choose_ports, is_ready
from streams.local.postgres import SINK
from streams.local.process import Process
from streams.local.stack import DATABASE, PORTS, Stack
from streams.local.targets import TARGETS, Job, Target, write_targets
from streams.postgres.profiles import Profile, load_profile
from streams.routes.table import Routes, load_routes
from streams.settings import KafkaSettings

WORKER_START_S = 90.0
DRAIN_S = 30.0
MONITOR = "monitor"
_DSN = "STREAMS_POSTGRES__DSN"
PORT_NAMES = (*PORTS, *LEDGER_PORTS)
DEMO_ROUTES = SCHEMAS / "routes.demo.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOptions:
    """What may be chosen. `prepare` is given the database before anything reads it.

    `replicas`: how many processes of a worker (`route`, `submit-<identity>`) beyond the first. `settings` are further
    ones, for every process of the line.
    """

    profile: str = "snake_case"
    routes: Path = DEMO_ROUTES
    ports: Mapping[str, int] = field(default_factory=dict)
    ledger: LedgerOptions = field(default_factory=LedgerOptions)
    replicas: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[psycopg.Connection[tuple[object, ...]], Profile], None] = lambda *_: None
    notice: Callable[[str], None] = lambda _: None


class Line:
    """Starts everything, tells the addresses, stops everything. A context manager."""

    def __init__(self, paths: LocalPaths, options: LineOptions) -> None:
        self.paths = paths
        self.options = options
        self.routes: Routes = load_routes(options.routes)
        self.profile = load_profile(options.profile)
        check_state(paths.state, options.ledger.kind)
        self.stack = Stack(
            self.paths, self.profile, ports=options.ports, after_kafka=self._beside_connect, notice=options.notice
        )
        _keep_profile(self.paths.state / "profile", self.profile.name)
        self.ledger = choose_ledger(options.ledger, self.paths, self.routes.identities, options.ports)
        self.stack_env = self.paths.state.parent / "stack.env"
        self.targets_file = self.paths.state / TARGETS
        self._listens: dict[str, str] = {}
        self._answering: dict[str, tuple[Job, str | None]] = {}

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack_env.unlink(missing_ok=True)
        self.targets_file.unlink(missing_ok=True)
        self.stack.stop()

    def start(self) -> None:
        """Bring everything up; returns when every process is healthy. Raises StackFailed with the cause."""
        if self.ledger.nonce_secret_file is not None:
            create_secret(self.ledger.nonce_secret_file)
        note_ledger(self.paths.state, self.options.ledger.kind)
        self.stack.supervisor.spawn(*self.ledger.processes)
        self.stack.start()
        self.stack.supervisor.wait_healthy(*(process.name for process in (*self._workers(), self._monitor())))
        self._tell()

    def _tell(self) -> None:
        """Write the settings where any tool can `source` them; the file appears whole.

        And where each process answers /metrics: `ROUTE_LISTEN`, `SUBMIT_ORG1_ADMIN_LISTEN`, `CONNECT_METRICS_LISTEN`,
        ...; ours answer /live and /ready too.
        """
        write_targets(self.targets_file, self.targets())
        addresses = {**self._listens, "connect-metrics": self.stack.connect.metrics_address}
        listens = {f"{name.upper().replace('-', '_')}_LISTEN": address for name, address in addresses.items()}
        lines = [f"{name}={_quoted(value)}" for name, value in (self.environment() | listens).items()]
        new = self.stack_env.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text("\n".join(lines) + "\n")
        new.replace(self.stack_env)

    def targets(self) -> list[Target]:
        """Every process of the line that answers /metrics."""
        ours = [
            Target(process=name, job=job, address=self._listen(name), identity=identity)
            for name, (job, identity) in self._answering.items()
        ]
        return [*ours, Target(process="connect", job=Job.CONNECT, address=self.stack.connect.metrics_address)]

    def environment(self) -> dict[str, str]:
        """The settings under which any process or tool reaches this line."""
        return {
            **self.stack.environment(),
            **self.ledger.environment,
            **self.options.settings,
            "STREAMS_ROUTES": str(self.options.routes.resolve()),
            "STREAMS_MONITOR__URL": f"http://{self._listen(MONITOR)}",
        }

    def _beside_connect(self, stack: Stack) -> None:
        """Postgres and Kafka are healthy: make the topics, and start the workers while Connect comes up."""
        with psycopg.connect(stack.environment()["STREAMS_POSTGRES__DSN"]) as connection:
            self.options.prepare(connection, self.profile)
        kafka = KafkaSettings(bootstrap_servers=stack.kafka.bootstrap_servers)
        topics = line_topics(
            self.routes.identities, self.profile.cdc_topic(kafka.topic_prefix), kafka.command_partitions
        )
        create_topics(kafka.bootstrap_servers, topics)
        self.stack.supervisor.wait_healthy(*(process.name for process in self.ledger.processes))
        self.ledger.complete()
        self.stack.supervisor.spawn(*self._workers(), self._monitor())

    def _workers(self) -> list[Process]:
        route = self._replicas("route", ROUTE, "worker", "route", job=Job.ROUTE)
        submit = [
            worker
            for identity in self.routes.identities
            for worker in self._replicas(
                f"submit-{identity}",
                submit_group(identity),
                *("worker", "submit", "--identity", identity),
                job=Job.SUBMIT,
                identity=identity,
            )
        ]
        dsn = self.stack.postgres.dsn(SINK, DATABASE)
        sink = self._worker("sink", WRITE_BACK, "sink", job=Job.WRITE_BACK, dsn=dsn)
        return [*route, *submit, sink]

    def _monitor(self) -> Process:
        """The exporter; it reads under the sink's role, which may do less than the owner's."""
        self._answering[MONITOR] = Job.MONITOR, None
        url = f"http://{self._listen(MONITOR)}"
        return Process(
            name=MONITOR,
            argv=[sys.executable, "-m", "streams", "monitor"],
            env={
                **self.environment(),
                _DSN: self.stack.postgres.dsn(SINK, DATABASE),
                "STREAMS_MONITOR__LISTEN": self._listen(MONITOR),
            },
            healthy=lambda: is_ready(url),
            start_deadline_s=WORKER_START_S,
        )

    def _replicas(self, name: str, group: str, *arguments: str, job: Job, identity: str | None = None) -> list[Process]:
        """The worker, and as many more as the options want: `route`, `route-2`, ..."""
        names = [name, *(f"{name}-{number + 2}" for number in range(self.options.replicas.get(name, 0)))]
        return [self._worker(each, group, *arguments, job=job, identity=identity) for each in names]

    def _worker(
        self, name: str, group: str, *arguments: str, job: Job, identity: str | None = None, dsn: str | None = None
    ) -> Process:
        """A worker under its own name; only the sink is given a database to connect to."""
        self._answering[name] = job, identity
        bootstrap_servers = self.stack.kafka.bootstrap_servers
        shared = {name: value for name, value in self.environment().items() if name != _DSN}
        return Process(
            name=name,
            argv=[sys.executable, "-m", "streams", *arguments],
            # A fixed member name: a worker that was killed takes its place back at once when it is started again.
            env={
                **shared,
                **({_DSN: dsn} if dsn else {}),
                "STREAMS_WORKER__NAME": name,
                "STREAMS_WORKER__STATIC_MEMBERSHIP": "true",
                "STREAMS_WORKER__LISTEN": self._listen(name),
            },
            healthy=lambda: self.stack.kafka.is_listening and _has_members(bootstrap_servers, group),
            start_deadline_s=WORKER_START_S,
            stop_deadline_s=DRAIN_S,
        )

    def _listen(self, name: str) -> str:
        """Where a worker answers for itself: chosen once, while nobody listens there."""
        if name not in self._listens:
            port = choose_ports(self.paths.state / "worker-ports.json", [name])[name]
            self._listens[name] = f"{HOST}:{port}"
        return self._listens[name]


def _has_members(bootstrap_servers: str, group: str) -> bool:
    try:
        return has_members(bootstrap_servers, group)
    except KafkaException:
        return False


def _keep_profile(file: Path, profile: str) -> None:
    """A state folder has the table of one profile. Raises StackFailed for another one than before."""
    before = file.read_text().strip() if file.exists() else profile
    if before != profile:
        raise StackFailed(f"the state in {file.parent} has the profile {before}: use it, or remove the state first")
    file.write_text(profile + "\n")


def _quoted(value: str) -> str:
    """For a shell that sources the file."""
    return "'" + value.replace("'", "'\\''") + "'"
