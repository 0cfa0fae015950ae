"""Clients that nobody here wrote, the official ones for Node and Go, get from the simulator what a real peer tells.

With the STREAMS_FABRIC settings of a test network that runs the reference chaincode, and the word that it is one
(external_network.py), they are run against that one too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import client_networks
import pytest
from client_expectations import comparable, expectations
from client_programs import HERE, PROGRAMS, Answered, ClientProgram

# The first run on a machine installs and compiles the clients.
pytestmark = pytest.mark.timeout(1500)

PAIRS = [(kind, program) for kind in client_networks.KINDS for program in PROGRAMS]


def why_not(kind: str, program: ClientProgram) -> str | None:
    return client_networks.missing(kind) or program.missing()


def cases() -> Iterator[object]:
    """(network, client, case); a pair that cannot be run here is one skipped test with its reason."""
    for kind, program in PAIRS:
        reason = why_not(kind, program)
        if reason is not None:
            yield pytest.param(kind, program, "", marks=pytest.mark.skip(reason), id=f"{kind}-{program.name}")
            continue
        for case in expectations(program.name):
            yield pytest.param(kind, program, case, id=f"{kind}-{program.name}-{case}")


class Runs:
    """Each client is run once per network, all its cases; each network is started once."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._networks: dict[str, Path] = {}
        self._answered: dict[tuple[str, str], dict[str, Answered] | Exception] = {}

    def of(self, kind: str, program: ClientProgram) -> dict[str, Answered]:
        """Case -> answer. What went wrong once is not tried again for every case."""
        if (kind, program.name) not in self._answered:
            try:
                self._answered[kind, program.name] = program.run(self._network(kind))
            except Exception as error:
                self._answered[kind, program.name] = error
        answered = self._answered[kind, program.name]
        if isinstance(answered, Exception):
            pytest.fail(f"the {program.name} client was not run to its end: {answered!r}", pytrace=False)
        return answered

    def _network(self, kind: str) -> Path:
        if kind not in self._networks:
            network = client_networks.described_network(kind, self._folder / kind)
            self._networks[kind] = self._stack.enter_context(network)
        return self._networks[kind]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with ExitStack() as stack:
        yield Runs(tmp_path_factory.mktemp("official-clients"), stack)


@pytest.mark.parametrize(("kind", "program", "case"), list(cases()))
def test_an_official_client_is_answered_as_by_a_real_peer(
    runs: Runs, kind: str, program: ClientProgram, case: str
) -> None:
    answered = runs.of(kind, program)
    assert case in answered, f"the {program.name} program did not run this case"
    assert comparable(answered[case]) == expectations(program.name)[case]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_client_program_runs_no_case_that_the_table_does_not_know(runs: Runs, program: ClientProgram) -> None:
    if (reason := why_not("simulator", program)) is not None:
        pytest.skip(reason)
    assert set(runs.of("simulator", program)) == set(expectations(program.name))


def test_the_locked_packages_are_named_by_their_hashes_and_not_by_the_place_they_came_from() -> None:
    locked = json.loads((HERE / "node" / "package-lock.json").read_text())["packages"]
    packages = {name: package for name, package in locked.items() if name}
    assert packages["node_modules/@hyperledger/fabric-gateway"]["version"] == "1.10.1"
    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []


def test_the_go_client_is_pinned() -> None:
    pinned = (HERE / "go" / "go.mod").read_text()
    assert "\tgithub.com/hyperledger/fabric-gateway v1.10.1\n" in pinned
    assert "replace" not in pinned
