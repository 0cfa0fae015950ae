"""Several gateways: when one is down, another carries on with the same transaction, and no block is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from either_network import EitherNetwork
from gateway_contract import changed
from ledger_commands import Network, applied, create_user, new_user, prepare
from relay import Relay
from running_simulator import IDENTITIES, eventually

from streams.errors import CommitUnknown, EndorseFailed, SubmitFailed
from streams.fabric.gateway import Gateway, connect
from streams.telemetry import Event


@dataclass
class Doubled:
    """A ledger with two gateways, and what its client told."""

    partner: Gateway
    network: Network
    first: Relay
    second: Relay
    told: list[tuple[Event, str]]


@pytest.fixture
async def doubled(either: EitherNetwork) -> AsyncIterator[Doubled]:
    relays = [Relay(either.settings.gateway) for _ in range(2)]
    told: list[tuple[Event, str]] = []
    async with AsyncExitStack() as stack:
        for relay in relays:
            await relay.open()
            stack.push_async_callback(relay.close)
        gateways = ", ".join(relay.address for relay in relays)
        settings = changed(either.settings, gateway=gateways, endorse_timeout_s=2, submit_timeout_s=2)
        ledgers = [
            await stack.enter_async_context(
                connect(settings, one.name, tell=lambda event, text: told.append((event, text)))
            )
            for one in IDENTITIES
        ]
        network = Network(super_admin=ledgers[0], admin=ledgers[1], partner=ledgers[2])
        await prepare(network)
        yield Doubled(ledgers[2], network, *relays, told)


def changes(doubled: Doubled) -> list[str]:
    return [text for event, text in doubled.told if event is Event.GATEWAY_CHANGED]


async def test_only_the_first_gateway_is_used_while_it_is_well(doubled: Doubled) -> None:
    await new_user(doubled.network)
    assert doubled.partner.gateways.current.address == doubled.first.address
    assert (doubled.second.connections, changes(doubled)) == (0, [])


async def test_a_gateway_that_is_down_is_left_for_good_without_a_failure(doubled: Doubled) -> None:
    await doubled.first.close()
    await doubled.partner.propose(create_user(), 0).endorse()
    assert await doubled.partner.height() > 0
    assert doubled.partner.gateways.current.address == doubled.second.address
    assert f"{doubled.second.address} instead of {doubled.first.address}" in changes(doubled)[0]
    await doubled.first.open()
    await applied(doubled.partner, create_user())
    assert doubled.partner.gateways.current.address == doubled.second.address
    assert len(changes(doubled)) == 1


async def test_an_envelope_endorsed_at_one_gateway_is_submitted_at_another(doubled: Doubled) -> None:
    transaction = await doubled.partner.propose(create_user(), 0).endorse()
    await doubled.first.close()
    async with asyncio.timeout(20):
        while True:
            try:
                committed = await (await transaction.submit()).status()
                break
            except SubmitFailed:  # the connection broke under the call
                continue
    assert committed.transaction_id == transaction.transaction_id
    entry = await doubled.partner.look_up(transaction.transaction_id)
    assert entry is not None
    assert entry.block_number == committed.block_number


async def test_the_blocks_go_on_at_the_other_gateway_where_they_broke_off(doubled: Doubled) -> None:
    partner = doubled.partner
    before = await applied(partner, create_user())
    await eventually(lambda: partner.blocks.is_live)
    seen: list[int] = []
    show = partner.blocks._reader.block
    partner.blocks._reader.block = lambda number, codes: (seen.append(number), show(number, codes))[1]  # type: ignore[method-assign]
    await doubled.first.close()
    last = [await applied(partner, create_user()) for _ in range(3)][-1]
    await eventually(lambda: partner.blocks.last_block == last.block_number)
    assert seen == list(range(before.block_number + 1, last.block_number + 1))


async def test_a_gateway_that_hangs_is_left_after_some_calls_that_did_not_end(doubled: Doubled) -> None:
    await applied(doubled.partner, create_user())
    doubled.first.is_hanging = True
    proposals = [doubled.partner.propose(create_user(), 0) for _ in range(3)]
    failed = await asyncio.gather(*(one.endorse() for one in proposals), return_exceptions=True)
    assert [error.code for error in failed if isinstance(error, EndorseFailed)] == ["TIMEOUT"] * 3
    committed = await applied(doubled.partner, create_user())
    await eventually(lambda: doubled.partner.blocks.last_block == committed.block_number)
    assert doubled.partner.gateways.current.address == doubled.second.address
    doubled.first.is_hanging = False


async def test_every_gateway_that_can_be_asked_is_asked_before_the_ledger_is_said_to_hold_nothing(
    doubled: Doubled,
) -> None:
    unknown = doubled.partner.propose(create_user(), 0).transaction_id
    assert await doubled.partner.look_up(unknown) is None
    assert doubled.partner.gateways.current.address == doubled.first.address
    assert doubled.second.connections > 0
    for relay in (doubled.second, doubled.first):
        await relay.close()
        async with asyncio.timeout(20):
            while True:
                try:
                    assert await doubled.partner.look_up(unknown) is None
                    break
                except CommitUnknown:  # the connection broke under the call
                    continue
        await relay.open()


async def test_with_every_gateway_down_the_failure_is_that_of_one(doubled: Doubled) -> None:
    transaction = await doubled.partner.propose(create_user(), 0).endorse()
    await doubled.first.close()
    await doubled.second.close()
    with pytest.raises(EndorseFailed) as not_endorsed:
        await doubled.partner.propose(create_user(), 0).endorse()
    assert (not_endorsed.value.code, not_endorsed.value.refused) == ("PEER_UNAVAILABLE", False)
    with pytest.raises(SubmitFailed) as not_submitted:
        await transaction.submit()
    assert not not_submitted.value.may_be_on_ledger
    with pytest.raises(CommitUnknown):
        await doubled.partner.look_up(transaction.transaction_id)
    await doubled.second.open()
    assert (await applied(doubled.partner, create_user())).block_number > 0
