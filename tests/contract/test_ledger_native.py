"""The gateway client against a real Fabric network; needs the programs of a Fabric 2.5 release."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_commands import Network, applied, command, create_user, prepare
from ledger_contract import LedgerContract
from native_network import OPTIONS, ROLES, NativeNetwork, missing_programs, running_network

from streams.errors import CommitRejected, CommitUnknown, DuplicateTransaction, EndorseFailed, StackFailed, SubmitFailed
from streams.fabric.gateway import Gateway, connect
from streams.ledger import VALID
from streams.local.fabric.layout import ORGANISATIONS
from streams.local.fabric.parts import CHAINCODE_SERVER, ORDERER
from streams.local.ledgers import choose_ledger
from streams.messages import RoutedCommand

PARTS = [ORDERER, CHAINCODE_SERVER, *(organisation.process for organisation in ORGANISATIONS)]
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeNetwork]:
    with running_network(tmp_path_factory.mktemp("native")) as network:
        yield network


@contextlib.asynccontextmanager
async def clients(native: NativeNetwork) -> AsyncIterator[Network]:
    async with contextlib.AsyncExitStack() as stack:
        super_admin, admin, partner = [
            await stack.enter_async_context(connect(native.settings(), identity)) for identity in ROLES
        ]
        made = Network(super_admin=super_admin, admin=admin, partner=partner)
        await prepare(made)
        yield made


@pytest.fixture
async def network(native: NativeNetwork) -> AsyncIterator[Network]:
    async with clients(native) as made:
        yield made


@pytest.fixture
def partner(network: Network) -> Gateway:
    assert isinstance(network.partner, Gateway)
    return network.partner


class TestNativeLedger(LedgerContract):
    """The contract, and what becomes of the network when its parts die."""

    async def test_the_gateway_accepts_the_identity(self, partner: Gateway) -> None:
        assert await partner.height() > 3

    async def test_both_organisations_must_endorse(self, native: NativeNetwork) -> None:
        async with connect(native.settings(endorsing_orgs=()), "org1-partner-api") as ledger:
            committed = await applied(ledger, create_user())
            [entry] = [e for e in await ledger.block(committed.block_number) if e.code == "VALID"]
        for msp_id in ("Org1MSP", "Org2MSP"):
            assert msp_id.encode() in entry.payload

    async def test_one_endorsement_is_not_enough(self, native: NativeNetwork) -> None:
        async with connect(native.settings(endorsing_orgs=("Org1MSP",)), "org1-partner-api") as ledger:
            commit = await (await ledger.propose(create_user(), 0).endorse()).submit()
            with pytest.raises(CommitRejected) as rejected:
                await commit.status()
        assert rejected.value.code == "ENDORSEMENT_POLICY_FAILURE"

    async def test_without_named_organisations_a_refusal_is_the_same(self, native: NativeNetwork) -> None:
        async with connect(native.settings(endorsing_orgs=()), "org1-partner-api") as ledger:
            with pytest.raises(EndorseFailed) as failed:
                await ledger.propose(command("AdminContract:PauseSystem", "a reason"), 0).endorse()
        assert (failed.value.code, failed.value.refused) == ("CHAINCODE_REFUSED", True)

    @pytest.mark.parametrize("name", PARTS)
    async def test_a_part_that_is_killed_comes_back_and_commands_go_on(
        self, native: NativeNetwork, partner: Gateway, name: str
    ) -> None:
        before = await applied(partner, create_user())
        await native.kill(name)
        assert await in_the_end(partner, create_user()) > before.block_number

    async def test_blocks_certificates_and_addresses_survive_down_and_up(self, native: NativeNetwork) -> None:
        settings = native.settings()
        async with clients(native) as before:
            committed = await applied(before.partner, create_user())
        await asyncio.to_thread(native.stop)
        assert native.parts() == {}
        await asyncio.to_thread(native.start)
        assert native.settings() == settings
        async with clients(native) as after:
            entry = await after.partner.look_up(committed.transaction_id)
            assert entry is not None
            assert (entry.code, entry.block_number) == (VALID, committed.block_number)
            assert (await applied(after.partner, create_user())).block_number > committed.block_number

    def test_other_block_settings_than_those_of_the_channel_are_refused(self, native: NativeNetwork) -> None:
        with pytest.raises(StackFailed, match=r"was made with block_interval_s 0.05, not 9"):
            choose_ledger(replace(OPTIONS, block_interval_s=9), native.paths, ROLES, {})

    def test_other_ports_than_those_in_its_blocks_are_refused(self, native: NativeNetwork) -> None:
        with pytest.raises(StackFailed, match=r"was made with orderer [0-9]+, not 1;"):
            choose_ledger(OPTIONS, native.paths, ROLES, {ORDERER: 1})

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
