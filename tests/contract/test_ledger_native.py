"""The gateway client against a real Fabric network; needs the programs of a Fabric 2.5 release."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from gateway_contract import clients
from ledger_commands import applied, create_user
from native_network import OPTIONS, ROLES, NativeNetwork, missing_programs
from outage_contract import OutageContract
from wire_ordering_contract import WireOrderingContract
from wire_proposals_contract import WireProposalsContract
from wire_streams_contract import WireStreamsContract

from streams.errors import CommitUnknown, DuplicateTransaction, StackFailed, SubmitFailed
from streams.fabric.gateway import Gateway
from streams.ledger import VALID
from streams.local.fabric.layout import ORGANISATIONS
from streams.local.fabric.parts import CHAINCODE_SERVER, ORDERER
from streams.local.ledgers import choose_ledger
from streams.messages import RoutedCommand
from streams.settings import FabricSettings
from streams.simulator.certificates import Authority

PARTS = [ORDERER, CHAINCODE_SERVER, *(organisation.process for organisation in ORGANISATIONS)]
needs_network = pytest.mark.needs_network
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())


@pytest.fixture
def settings(native: NativeNetwork) -> FabricSettings:
    return native.settings()


@pytest.fixture
def authorities(native: NativeNetwork) -> Mapping[str, Authority]:
    return native.authorities


class TestNativeWire(WireProposalsContract, WireOrderingContract, WireStreamsContract):
    """The bare protocol."""


class TestNativeLedger(OutageContract):
    """The contract, and what becomes of the network when its parts die."""

    @needs_network("its processes are killed one by one")
    @pytest.mark.parametrize("name", PARTS)
    async def test_a_part_that_is_killed_comes_back_and_commands_go_on(
        self, native: NativeNetwork, partner: Gateway, name: str
    ) -> None:
        before = await applied(partner, create_user())
        await native.kill(name)
        assert await in_the_end(partner, create_user()) > before.block_number

    @needs_network("all of them are stopped and started again")
    async def test_blocks_certificates_and_addresses_survive_down_and_up(
        self, native: NativeNetwork, settings: FabricSettings
    ) -> None:
        async with clients(settings) as before:
            committed = await applied(before.partner, create_user())
        await asyncio.to_thread(native.stop)
        assert native.parts() == {}
        await asyncio.to_thread(native.start)
        assert native.settings() == settings
        async with clients(settings) as after:
            entry = await after.partner.look_up(committed.transaction_id)
            assert entry is not None
            assert (entry.code, entry.block_number) == (VALID, committed.block_number)
            assert (await applied(after.partner, create_user())).block_number > committed.block_number

    @needs_network("their settings are in the blocks of a real one")
    def test_other_block_settings_than_those_of_the_channel_are_refused(self, native: NativeNetwork) -> None:
        with pytest.raises(StackFailed, match=r"was made with block_interval_s 0.05, not 9"):
            choose_ledger(replace(OPTIONS, block_interval_s=9), native.paths, ROLES, {})

    @needs_network("their addresses are in the blocks of a real one")
    def test_other_ports_than_those_in_its_blocks_are_refused(self, native: NativeNetwork) -> None:
        with pytest.raises(StackFailed, match=r"was made with orderer [0-9]+, not 1;"):
            choose_ledger(OPTIONS, native.paths, ROLES, {ORDERER: 1})

    @needs_network("a real one has ten addresses")
    def test_nobody_listens_for_other_machines(self, native: NativeNetwork) -> None:
        listening = [*addresses(Path("/proc/net/tcp")), *addresses(Path("/proc/net/tcp6"))]
        ports = json.loads((native.paths.state / "ports.json").read_text()).values()
        ours = [host for host, port in listening if port in ports]
        assert len(ours) == len(ports)
        assert set(ours) <= LOOPBACK


async def in_the_end(ledger: Gateway, wanted: RoutedCommand) -> int:
    """The block of a command, whatever it takes: the network is coming back."""
    async with asyncio.timeout(60):
        while True:
            try:
                return (await applied(ledger, wanted)).block_number
            except (SubmitFailed, CommitUnknown):
                await asyncio.sleep(0.1)
            except DuplicateTransaction as duplicate:
                entry = await ledger.look_up(duplicate.transaction_id)
                assert entry is not None
                return entry.block_number


def addresses(table: Path) -> Iterator[tuple[str, int]]:
    """Host (hexadecimal, as the kernel writes it) and port of every listening socket."""
    for line in table.read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == "0A":
            host, port = local.split(":")
            yield host, int(port, 16)
