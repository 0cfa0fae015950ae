"""The neighbours, each started once per session and only if a test asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from neighbours import Broker, Database, Outbox, supervised
from submit_bench import Bench, bench

from streams.kafka.topics import BREAKERS, CONTROLS, DEAD_LETTERS, OPERATOR_ACTIONS, RESULTS
from streams.local.jars import install_jars
from streams.local.kafka import Kafka
from streams.local.passwords import load_passwords
from streams.local.ports import choose_ports
from streams.local.postgres import ROLES, Postgres


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with supervised(tmp_path_factory.mktemp("postgres")) as (paths, supervisor):
        ports = choose_ports(paths.state / "ports.json", ["postgres"])
        passwords = load_passwords(paths.state / "passwords.properties", ROLES)
        server = Postgres(paths=paths, port=ports["postgres"], passwords=passwords, fsync=False)
        server.prepare()
        supervisor.start(server.process())
        yield Database(server, supervisor)


@pytest.fixture(scope="session")
def outboxes(database: Database) -> dict[str, Outbox]:
    return {name: database.outbox(name) for name in ("snake_case", "camel_case")}


@pytest.fixture(params=["snake_case", "camel_case"])
def outbox(outboxes: dict[str, Outbox], request: pytest.FixtureRequest) -> Outbox:
    return outboxes[request.param]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker with the topics that the line writes to: results, dead letters."""
    with supervised(tmp_path_factory.mktemp("kafka")) as (paths, supervisor):
        ports = choose_ports(paths.state / "ports.json", ["kafka", "kafka-controller"])
        jars = install_jars(paths.jars)
        server = Kafka(paths=paths, jars=jars, port=ports["kafka"], controller_port=ports["kafka-controller"])
        server.prepare()
        supervisor.start(server.process())
        broker = Broker(server.bootstrap_servers)
        broker.topic(6, RESULTS)
        broker.topic(1, DEAD_LETTERS)
        for name in (BREAKERS, CONTROLS, OPERATOR_ACTIONS):
            broker.topic(1, name)
        yield broker


@pytest.fixture
async def line(broker: Broker, tmp_path: Path) -> AsyncIterator[Bench]:
    """A submit worker's neighbours: a topic and a network of its own."""
    async with bench(broker, tmp_path) as line:
        yield line
