"""Whole blocks, their metadata, and the ledger queries that find them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import events_pb2
from simulator_answers import at, failure
from simulator_client import CHANNEL, OLDEST, Running, running
from simulator_parts import EVERY_ADDRESS, assert_signed_by_the_orderer

from streams.simulator.blocks import header_hash

Status = common_pb2.Status


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, **EVERY_ADDRESS) as started:
        yield started


async def test_the_metadata_of_a_whole_block_can_be_taken_apart(network: Running) -> None:
    await network.client.transact("write", "a", "1")
    async with network.client.stream(at(1), whole=True) as stream:
        block = (await stream.next()).block
    assert len(block.metadata.metadata) == 5
    assert_signed_by_the_orderer(network, block)
    last_config = common_pb2.Metadata.FromString(block.metadata.metadata[1])
    assert common_pb2.LastConfig.FromString(last_config.value).index == 0
    assert block.metadata.metadata[2] == bytes([0])
    assert len(common_pb2.Metadata.FromString(block.metadata.metadata[4]).value) == hashlib.sha256().digest_size
    assert block.header.data_hash == hashlib.sha256(b"".join(block.data.data)).digest()


async def test_blocks_are_chained_and_so_are_their_commit_hashes(network: Running) -> None:
    for number in range(2):
        await network.client.transact("write", "a", str(number))
    async with network.client.stream(OLDEST, at(2), whole=True) as stream:
        genesis, first, second = [(await stream.next()).block for _ in range(3)]
    assert first.header.previous_hash == header_hash(genesis.header)
    assert second.header.previous_hash == header_hash(first.header)
    assert first.metadata.metadata[4] != second.metadata.metadata[4]


async def test_whole_blocks_come_with_private_data_too_of_which_there_is_none(network: Running) -> None:
    await network.client.transact("write", "a", "1")
    call = network.client.streams.DeliverWithPrivateData()
    await call.write(network.client.member.seek(at(1), at(1)))
    response: events_pb2.DeliverResponse = await call.read()
    assert response.block_and_private_data.block.header.number == 1
    assert not response.block_and_private_data.private_data_map
    call.cancel()


async def test_a_block_is_found_by_number_hash_and_transaction(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    await network.client.submit(envelope)
    await network.client.status(transaction_id)
    info = ledger_pb2.BlockchainInfo.FromString(await network.client.query("GetChainInfo", CHANNEL))
    by_number = common_pb2.Block.FromString(await network.client.query("GetBlockByNumber", CHANNEL, "1"))
    by_id = common_pb2.Block.FromString(await network.client.query("GetBlockByTxID", CHANNEL, transaction_id))
    by_hash = common_pb2.Block.FromString(await network.client.query("GetBlockByHash", CHANNEL, info.currentBlockHash))
    assert info.height == 2
    assert by_number == by_id == by_hash
    assert header_hash(by_hash.header) == info.currentBlockHash


async def test_a_hash_of_no_block_is_refused(network: Running) -> None:
    refused = await failure(network.client.query("GetBlockByHash", CHANNEL, "no"))
    assert refused.message.endswith("Failed to get block hash no, error no such block hash [6e6f] in index")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("GetTransactionByID", "nochan", "T"), "Invalid chain ID, nochan"),
        (("GetTransactionByID", CHANNEL), "missing 3rd argument for GetTransactionByID"),
        (("Nope", CHANNEL, "x"), "access denied for [Nope][gxchannel]: [Unmapped policy for qscc/Nope]"),
    ],
)
async def test_a_wrong_ledger_query_says_what_is_wrong(
    network: Running, arguments: tuple[str, ...], reason: str
) -> None:
    refused = await failure(network.client.query(*arguments))
    assert (refused.code, refused.message) == (
        "UNKNOWN",
        f"evaluate call to endorser returned error: chaincode response 500, {reason}",
    )
