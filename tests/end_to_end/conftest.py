"""The line of this ring: started once, bootstrapped, with users that hold money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from otlp_collector import Collector, collecting
from running_line import JARS, RunningLine, local_paths

from streams.demo import payloads
from streams.demo.payloads import Names
from streams.demo.run import add_unknown_type
from streams.local.jars import install_jars
from streams.local.ledgers import LedgerOptions
from streams.local.line import Line, LineOptions

USERS = 40


@pytest.fixture(scope="session", autouse=True)
def jars() -> None:
    install_jars(JARS)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the line's processes send their spans."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def empty_line(jars: None, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    folder = tmp_path_factory.mktemp("line")
    options = LineOptions(
        ledger=LedgerOptions(block_interval_s=0.1),
        prepare=add_unknown_type,
        settings={"STREAMS_TRACING__ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "500"},
    )
    with pytest.MonkeyPatch.context() as patch, Line(local_paths(folder), options) as line:
        # How long a worker waits for a transaction that died with the simulator; a minute would only cost time here.
        patch.setenv("STREAMS_FABRIC__COMMIT_TIMEOUT_S", "3")
        patch.setenv("STREAMS_MONITOR__PERIOD_S", "0.5")
        line.start()
        yield RunningLine(line, folder)


@dataclass(frozen=True)
class Population:
    """Users on the ledger, each with the same money."""

    payers: list[str]
    payees: list[str]


@pytest.fixture(scope="session")
def names() -> Names:
    """Ids that were not used before."""
    return Names(seed=3)


@pytest.fixture(scope="session")
def population(empty_line: RunningLine, names: Names) -> Population:
    users = [names.user_id("MY" if number % 2 else "DE") for number in range(USERS)]
    empty_line.carry("BOOTSTRAP_SYSTEM", {})
    empty_line.carry("INITIALIZE_COUNTRY_DATA", payloads.countries())
    empty_line.carry("CREATE_USER", *map(payloads.create_user, users))
    return Population(payers=users[: USERS // 2], payees=users[USERS // 2 :])


@pytest.fixture
def line(empty_line: RunningLine, population: Population) -> RunningLine:
    """The line, with nothing under way."""
    empty_line.settle()
    return empty_line
