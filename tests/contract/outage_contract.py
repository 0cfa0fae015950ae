"""The contract's cases that need power over the network: to stop its gateway, to set its time to a block.

A test class takes `OutageContract` as its base. Where it gives the fixture `simulator` it says `simulated = True`;
elsewhere, as a real network would suffer from them, these cases are skipped by name, with the reason (conftest.py).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from gateway_contract import GatewayContract
from ledger_commands import applied, command, create_user
from running_simulator import PARTNER, SUPER_ADMIN, Running, eventually, until_it_answers

from streams.errors import CommitUnknown, EndorseFailed, SubmitFailed
from streams.fabric.gateway import Gateway, connect
from streams.ledger import VALID

needs_simulator = pytest.mark.needs_simulator
STOPS = "it stops the gateway"
SLOW_BLOCKS = "it restarts the network with another time to a block"


class OutageContract(GatewayContract):
    """What the contract keeps while the gateway goes away, and when no block comes."""

    simulated: ClassVar[bool] = False

    @needs_simulator(STOPS)
    async def test_the_blocks_go_on_after_a_restart_of_the_gateway(
        self,
        simulator: Running,
        partner: Gateway,
    ) -> None:
        before = await applied(partner, create_user())
        await simulator.stop()
        await eventually(lambda: not partner.blocks.is_live)
        await simulator.start()
        await until_it_answers(partner.height)
        after = await applied(partner, create_user())
        await eventually(lambda: partner.blocks.is_live)
        assert partner.blocks.last_block == after.block_number == before.block_number + 1

    @needs_simulator(STOPS)
    async def test_a_commit_during_an_interruption_is_learned_after_it(
        self, simulator: Running, partner: Gateway
    ) -> None:
        await simulator.stop()
        await simulator.start(block_interval_s=3600)
        await until_it_answers(partner.height)
        commit = await (await partner.propose(create_user(), 0).endorse()).submit()
        await eventually(lambda: partner.blocks.is_live)
        waiting = asyncio.create_task(commit.status())
        await simulator.stop()  # what it took becomes its last block, after the last answer
        await eventually(lambda: "failed to connect" in (partner.blocks.last_interruption or ""))
        assert not waiting.done()
        await simulator.start()
        committed = await waiting
        entry = await partner.look_up(commit.transaction_id)
        assert entry is not None
        assert (entry.code, entry.block_number) == (VALID, committed.block_number)

    @needs_simulator(SLOW_BLOCKS)
    async def test_of_two_envelopes_of_one_id_in_a_block_the_valid_one_counts(
        self, simulator: Running, partner: Gateway, tmp_path: Path
    ) -> None:
        """The index of a peer shows the first one, which lacks an endorsement."""
        await simulator.stop()
        await simulator.start(block_interval_s=0.5)
        await until_it_answers(partner.height)
        wanted = create_user()
        async with connect(simulator.settings(tmp_path, endorsing_orgs="Org1MSP"), PARTNER.name) as hasty:
            transactions = [await ledger.propose(wanted, 0).endorse() for ledger in (hasty, partner)]
            commits = [await transaction.submit() for transaction in transactions]
            blocks = {(await commit.status()).block_number for commit in commits}
        entry = await partner.look_up(transactions[0].transaction_id)
        assert entry is not None
        assert (entry.code, {entry.block_number}) == (VALID, blocks)

    @needs_simulator(STOPS)
    async def test_a_transaction_that_was_submitted_before_a_restart_can_be_submitted_after_it(
        self, simulator: Running, partner: Gateway
    ) -> None:
        transaction = await partner.propose(create_user(), 0).endorse()
        first = await (await transaction.submit()).status()
        await simulator.stop()
        await simulator.start()
        await until_it_answers(partner.height)
        assert (await (await transaction.submit()).status()).block_number == first.block_number

    @needs_simulator(STOPS)
    async def test_a_gateway_that_is_down_fails_no_command(self, simulator: Running, partner: Gateway) -> None:
        transaction = await partner.propose(create_user(), 0).endorse()
        await simulator.stop()
        with pytest.raises(EndorseFailed) as not_endorsed:
            await partner.propose(create_user(), 0).endorse()
        assert (not_endorsed.value.code, not_endorsed.value.refused) == ("PEER_UNAVAILABLE", False)
        with pytest.raises(SubmitFailed) as not_submitted:
            await transaction.submit()
        assert (not_submitted.value.code, not_submitted.value.refused) == ("PEER_UNAVAILABLE", False)
        with pytest.raises(CommitUnknown) as not_found:
            await partner.look_up(transaction.transaction_id)
        assert not_found.value.code == "PEER_UNAVAILABLE"

    @needs_simulator(SLOW_BLOCKS)
    async def test_what_is_in_no_block_in_time_is_unknown(self, simulator: Running, tmp_path: Path) -> None:
        await simulator.stop()
        await simulator.start(block_interval_s=3600)
        async with connect(simulator.settings(tmp_path, commit_timeout_s=0.1), SUPER_ADMIN.name) as ledger:
            commit = await (await ledger.propose(command("AdminContract:BootstrapSystem"), 0).endorse()).submit()
            with pytest.raises(CommitUnknown) as unknown:
                await commit.status()
        assert unknown.value.code == "NOT_IN_A_BLOCK"

    @needs_simulator(SLOW_BLOCKS)
    async def test_waiting_for_a_block_takes_no_slot_of_the_gateway(self, simulator: Running, tmp_path: Path) -> None:
        await simulator.stop()
        simulator.config = replace(simulator.config, gateway_limit=2)
        await simulator.start(block_interval_s=3600)
        async with connect(simulator.settings(tmp_path), SUPER_ADMIN.name) as ledger:
            wanted = command("AdminContract:BootstrapSystem")
            commits = [await (await ledger.propose(wanted, attempt).endorse()).submit() for attempt in range(10)]
            waiting = [asyncio.create_task(commit.status()) for commit in commits]
            await eventually(lambda: ledger.blocks.is_live)
            assert await ledger.height() == 1
            await ledger.propose(wanted, 99).endorse()
            assert not any(one.done() for one in waiting)
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)
