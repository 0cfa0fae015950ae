"""The gateway client against the simulator, over TLS and the real protocol: every case of the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from outage_contract import OutageContract
from running_simulator import IDENTITIES, Running
from wire_ordering_contract import WireOrderingContract
from wire_proposals_contract import WireProposalsContract
from wire_streams_contract import WireStreamsContract

from streams.settings import FabricSettings
from streams.simulator.certificates import Authority
from streams.simulator.config import SimulatorConfig
from streams.simulator.wallet import network_keys


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(SimulatorConfig(state=tmp_path / "state", wallet=tmp_path / "wallet", identities=IDENTITIES))
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def settings(simulator: Running, tmp_path: Path) -> FabricSettings:
    return simulator.settings(tmp_path)


@pytest.fixture
def authorities(simulator: Running) -> Mapping[str, Authority]:
    return network_keys(simulator.config.state / "crypto").authorities


class TestSimulatedLedger(OutageContract):
    """Nothing is left out: the simulator may be stopped at will."""

    simulated = True


class TestSimulatedWire(WireProposalsContract, WireOrderingContract, WireStreamsContract):
    """The bare protocol."""
