from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2
from simulator_network import CHANNEL, Network, codes_of

from streams.simulator.blocks import BlockFile, header_hash
from streams.simulator.genesis import channel_of
from streams.simulator.ledger import Ledger
from streams.simulator.proposals import read_proposal
from streams.simulator.qscc import LedgerQueries
from streams.simulator.refusals import PeerRefused


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    network = Network(tmp_path)
    yield network
    network.blocks.close()


async def test_a_ledger_is_the_same_after_a_restart(network: Network, tmp_path: Path) -> None:
    proposal = network.member.propose("append", "a", "1")
    first = await network.transaction(proposal)
    conflicting = await network.endorsed("append", "a", "2")
    await network.commit(first, conflicting, b"\xff\xff")
    await network.commit(await network.endorsed("remove", "a"), await network.endorsed("write", "b", "3"))
    entry, height, last_hash = network.ledger.first_entry(proposal.transaction_id), 3, network.ledger.last_hash
    network.blocks.close()

    with BlockFile(tmp_path / "blocks") as blocks:
        again = Ledger(blocks)
        assert (again.height, again.last_hash) == (height, last_hash)
        assert again.first_entry(proposal.transaction_id) == entry
        assert {key: value for key, (value, _) in again.world.range("", "")} == {"b": b"3"}
        assert again.world.version("b") == (2, 1)


async def test_every_block_refers_to_the_one_before(network: Network) -> None:
    for _ in range(3):
        await network.commit(await network.endorsed("write", "a", "1"))
    blocks = [network.ledger.block(number) for number in range(4)]
    assert [block.header.number for block in blocks] == [0, 1, 2, 3]
    for before, after in pairwise(blocks):
        assert after.header.previous_hash == header_hash(before.header)


def test_block_0_is_the_configuration_of_the_channel(network: Network) -> None:
    genesis = network.ledger.block(0)
    assert channel_of(genesis) == CHANNEL
    assert codes_of(genesis) == ["VALID"]
    assert genesis.header.previous_hash == b""


async def test_a_waiter_hears_of_the_first_entry_however_early_it_asked(network: Network) -> None:
    proposal = network.member.propose("write", "a", "1")
    waiting = asyncio.create_task(network.ledger.entry(proposal.transaction_id))
    envelope = await network.transaction(proposal)
    await network.commit(await network.endorsed("write", "b", "1"), envelope)
    entry = await waiting
    assert (entry.block, entry.position) == (1, 1)
    await network.commit(envelope)
    assert await network.ledger.entry(proposal.transaction_id) == entry


async def test_a_waiter_that_gave_up_does_not_disturb_the_others(network: Network) -> None:
    proposal = network.member.propose("write", "a", "1")
    waiting = [asyncio.create_task(network.ledger.entry(proposal.transaction_id)) for _ in range(2)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting[0], 0.01)
    await network.commit(await network.transaction(proposal))
    assert (await waiting[1]).block == 1


async def test_a_block_is_seen_only_with_its_state(network: Network) -> None:
    async def look() -> bytes | None:
        await network.ledger.wait_for(1)
        entry = network.ledger.world.get("a")
        return None if entry is None else entry.value

    looking = asyncio.create_task(look())
    await network.commit(await network.endorsed("write", "a", "1"))
    assert await looking == b"1"


async def test_a_stream_that_goes_away_is_not_waited_with_any_longer(network: Network) -> None:
    waiting = [asyncio.create_task(network.ledger.wait_for(1)) for _ in range(3)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
    assert network.ledger._waiting_for_block == []


async def test_streams_hear_of_a_block_before_those_who_wait_for_an_id(network: Network) -> None:
    proposal = network.member.propose("write", "a", "1")
    heard: list[str] = []

    async def wait_for_id() -> None:
        await network.ledger.entry(proposal.transaction_id)
        heard.append("id")

    async def wait_for_block() -> None:
        await network.ledger.wait_for(1)
        heard.append("block")

    waiting = [asyncio.create_task(wait_for_id()), asyncio.create_task(wait_for_block())]
    await network.commit(await network.transaction(proposal))
    await asyncio.gather(*waiting)
    assert heard == ["block", "id"]


async def test_queries_give_transactions_blocks_and_the_height(network: Network) -> None:
    queries = LedgerQueries(network.ledger, CHANNEL)
    proposal = network.member.propose("write", "a", "1")
    envelope = await network.transaction(proposal)
    await network.commit(envelope)

    def ask(*arguments: str) -> bytes:
        return queries.answer([argument.encode() for argument in arguments])

    found = transaction_pb2.ProcessedTransaction.FromString(ask("GetTransactionByID", CHANNEL, proposal.transaction_id))
    assert found.transactionEnvelope.SerializeToString() == envelope
    assert found.validationCode == 0
    block = network.ledger.block(1)
    assert common_pb2.Block.FromString(ask("GetBlockByTxID", CHANNEL, proposal.transaction_id)) == block
    assert common_pb2.Block.FromString(ask("GetBlockByNumber", CHANNEL, "1")) == block
    assert common_pb2.Block.FromString(ask("GetBlockByNumber", CHANNEL, str(2**64 - 1))) == block
    information = ledger_pb2.BlockchainInfo.FromString(ask("GetChainInfo", CHANNEL))
    assert (information.height, information.currentBlockHash) == (2, header_hash(block.header))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["GetTransactionByID", CHANNEL, "T"], "Failed to get transaction with id T, error no such transaction ID [T] in index"),  # noqa: E501
        (["GetBlockByTxID", CHANNEL, "T"], "Failed to get block for txID T, error no such transaction ID [T] in index"),
        (["GetBlockByNumber", CHANNEL, "9"], "Failed to get block number 9, error no such block number [9] in index"),
        (["GetBlockByNumber", CHANNEL, "x"], 'Failed to parse block number with error strconv.ParseUint: parsing "x": invalid syntax'),  # noqa: E501
        (["GetTransactionByID", "nochan", "T"], "Invalid chain ID, nochan"),
        (["GetTransactionByID", CHANNEL], "missing 3rd argument for GetTransactionByID"),
        (["Nope", CHANNEL, "T"], "access denied for [Nope][gxchannel]: [Unmapped policy for qscc/Nope]"),
        (["GetChainInfo"], "Incorrect number of arguments, 1"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_says_why(network: Network, arguments: list[str], message: str) -> None:
    with pytest.raises(PeerRefused) as refusal:
        LedgerQueries(network.ledger, CHANNEL).answer([argument.encode() for argument in arguments])
    assert refusal.value.message == f"chaincode response 500, {message}"


async def test_a_proposal_under_an_id_of_the_ledger_is_refused(network: Network) -> None:
    proposal = network.member.propose("write", "a", "1")
    await network.commit(await network.transaction(proposal))
    with pytest.raises(PeerRefused, match=r"duplicate transaction found \[" + proposal.transaction_id):
        network.endorser.check(read_proposal(proposal.message))
