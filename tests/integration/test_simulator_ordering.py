"""Duplicates of a transaction id, and what is judged in the block, as measured on Fabric 2.5.16."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from simulator_answers import MSP1, at, codes_of
from simulator_client import Running, running


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def test_an_envelope_submitted_again_is_ordered_again_but_applied_once(network: Running) -> None:
    client = network.client
    transaction_id, envelope = await client.endorsed("append", "a", "1")
    async with client.stream(at(1)) as stream:
        await client.submit(envelope)
        await client.submit(envelope)
        assert codes_of(await stream.block()) == [(transaction_id, "VALID"), (transaction_id, "DUPLICATE_TXID")]
        await client.submit(envelope)
        assert codes_of(await stream.block()) == [(transaction_id, "DUPLICATE_TXID")]
    assert await client.status(transaction_id) == ("VALID", 1)
    assert await client.ask("read", "a") == b"1"


async def test_an_envelope_that_conflicted_stays_a_conflict_when_it_is_submitted_again(network: Running) -> None:
    client = network.client
    transaction_id, late = await client.endorsed("append", "a", "late")
    await client.transact("append", "a", "first")
    async with client.stream(at(2)) as stream:
        await client.submit(late)
        assert codes_of(await stream.block()) == [(transaction_id, "MVCC_READ_CONFLICT")]
        await client.submit(late)
        assert codes_of(await stream.block()) == [(transaction_id, "DUPLICATE_TXID")]
    assert await client.status(transaction_id) == ("MVCC_READ_CONFLICT", 2)
    assert await client.ask("read", "a") == b"first"


async def test_a_bad_twin_before_a_good_one_answers_for_it_in_look_ups(network: Running) -> None:
    client, nonce = network.client, os.urandom(24)
    transaction_id, bad = await client.endorsed("write", "a", "bad", organisations=[MSP1], nonce=nonce)
    _, good = await client.endorsed("write", "a", "good", nonce=nonce)
    waiting = asyncio.create_task(client.status(transaction_id))
    async with client.stream(at(1)) as stream:
        await client.submit(bad)
        await client.submit(good)
        assert codes_of(await stream.block()) == [
            (transaction_id, "ENDORSEMENT_POLICY_FAILURE"),
            (transaction_id, "VALID"),
        ]
    assert await waiting == ("ENDORSEMENT_POLICY_FAILURE", 1)
    assert await client.ask("read", "a") == b"good"


async def test_the_same_twins_in_two_blocks_are_never_applied(network: Running) -> None:
    client, nonce = network.client, os.urandom(24)
    transaction_id, bad = await client.endorsed("write", "a", "bad", organisations=[MSP1], nonce=nonce)
    _, good = await client.endorsed("write", "a", "good", nonce=nonce)
    async with client.stream(at(1)) as stream:
        for envelope, code in ((bad, "ENDORSEMENT_POLICY_FAILURE"), (good, "DUPLICATE_TXID")):
            await client.submit(envelope)
            assert codes_of(await stream.block()) == [(transaction_id, code)]
    assert await client.ask("read", "a") == b""


async def test_ten_at_once_on_one_key_are_one_valid_and_nine_conflicts(network: Running) -> None:
    client = network.client
    prepared = await asyncio.gather(*(client.endorsed("append", "a", "x") for _ in range(10)))
    for _, envelope in prepared:
        await client.submit(envelope)
    results = [await client.status(transaction_id) for transaction_id, _ in prepared]
    assert [code for code, _ in results] == ["VALID"] + ["MVCC_READ_CONFLICT"] * 9
    assert await client.ask("read", "a") == b"x"


async def test_a_range_that_changed_in_between_is_a_phantom(network: Running) -> None:
    transaction_id, reader = await network.client.endorsed("count", "n", "o")
    await network.client.transact("write", "n1", "x")
    await network.client.submit(reader)
    assert (await network.client.status(transaction_id))[0] == "PHANTOM_READ_CONFLICT"


async def test_full_blocks_are_cut_at_once_and_the_rest_by_the_timer(tmp_path: Path) -> None:
    async with running(tmp_path, block_max_messages=10, block_interval_s=0.3) as network:
        client = network.client
        prepared = await asyncio.gather(*(client.endorsed("write", str(number), "x") for number in range(25)))
        async with client.stream(at(1)) as stream:
            await asyncio.gather(*(client.submit(envelope) for _, envelope in prepared))
            sizes = [len((await stream.block()).filtered_transactions) for _ in range(3)]
    assert sizes == [10, 10, 5]
