"""The simulator over TLS, as a client sees it: the good path, the limit, the connection, a restart."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import transaction_pb2
from simulator_answers import MSP2, Failure, failure, result_of
from simulator_client import CHANNEL, OLDEST, Running, running
from simulator_member import Member

from streams.errors import StackFailed
from streams.simulator.blocks import BlockFile
from streams.simulator.certificates import Authority


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def test_a_call_is_endorsed_ordered_and_committed(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("append", "a", "1")
    assert (result_of(envelope).status, result_of(envelope).payload) == (200, b"done")
    await network.client.submit(envelope)
    assert await network.client.status(transaction_id) == ("VALID", 1)
    assert await network.client.ask("read", "a") == b"1"


async def test_a_status_may_be_asked_for_before_the_transaction_exists(network: Running) -> None:
    proposal = network.client.member.propose("write", "a", "1")
    waiting = asyncio.create_task(network.client.status(proposal.transaction_id))
    envelope = network.client.member.sign(await network.client.endorse(proposal))
    await network.client.submit(envelope)
    assert await waiting == ("VALID", 1)


async def test_a_status_of_an_unknown_id_waits_until_the_client_gives_up(network: Running) -> None:
    assert (await failure(network.client.status("junk", timeout_s=0.1))).code == "DEADLINE_EXCEEDED"


async def test_the_ledger_queries_show_the_transaction_to_any_member(network: Running, tmp_path: Path) -> None:
    transaction_id, envelope = await network.client.endorsed("write", "a", "1")
    await network.client.submit(envelope)
    _, number = await network.client.status(transaction_id)
    other = network.as_member(Member.of_wallet(tmp_path / "wallet", "org2-auditor", MSP2))
    found = transaction_pb2.ProcessedTransaction.FromString(
        await other.query("GetTransactionByID", CHANNEL, transaction_id)
    )
    assert (found.transactionEnvelope, found.validationCode) == (envelope, 0)
    block = common_pb2.Block.FromString(await other.query("GetBlockByTxID", CHANNEL, transaction_id))
    assert (block.header.number, list(block.metadata.metadata[2])) == (number, [0])


async def test_a_client_of_the_other_organisation_is_served_alike(network: Running, tmp_path: Path) -> None:
    other = network.as_member(Member.of_wallet(tmp_path / "wallet", "org2-auditor", MSP2))
    assert await other.transact("write", "a", "1") == ("VALID", 1)
    assert await other.ask("who") == b"Org2MSP org2-auditor gx_auditor"


async def test_the_chaincode_sees_name_and_role_of_the_caller(network: Running) -> None:
    assert await network.client.ask("who") == b"Org1MSP org1-admin gx_admin"


async def test_a_chaincode_status_below_400_is_success(network: Running) -> None:
    transaction_id, envelope = await network.client.endorsed("answer", "399", "not quite")
    assert (result_of(envelope).status, result_of(envelope).message) == (399, "not quite")
    await network.client.submit(envelope)
    assert (await network.client.status(transaction_id))[0] == "VALID"


async def test_a_result_of_5_mib_is_endorsed(network: Running) -> None:
    size_bytes = 5 * 1024 * 1024
    _, envelope = await network.client.endorsed("large", str(size_bytes))
    assert len(result_of(envelope).payload) == size_bytes


async def test_an_old_proposal_is_accepted(network: Running) -> None:
    proposal = network.client.member.propose("write", "a", "1", sent_at=datetime.now(UTC) - timedelta(hours=1))
    await network.client.submit(network.client.member.sign(await network.client.endorse(proposal)))
    assert (await network.client.status(proposal.transaction_id))[0] == "VALID"


async def test_evaluating_writes_nothing(network: Running) -> None:
    assert await network.client.ask("write", "a", "1") == b"done"
    assert await network.client.ask("read", "a") == b""


async def test_open_calls_over_the_limit_are_refused_at_once_and_streams_do_not_count(tmp_path: Path) -> None:
    async with running(tmp_path, gateway_limit=5) as network, network.client.stream(OLDEST) as stream:
        assert (await stream.block()).number == 0
        waiting = [asyncio.ensure_future(failure(network.client.status("T", timeout_s=1))) for _ in range(8)]
        done, pending = await asyncio.wait(waiting, timeout=0.5)
        text = "too many requests for /gateway.Gateway, exceeding concurrency limit (5)"
        refused = Failure(code="UNKNOWN", message=text, details=None)
        assert [call.result() for call in done] == [refused] * 3
        assert await failure(network.client.ask("read", "a")) == refused
        assert [(await call).code for call in pending] == ["DEADLINE_EXCEEDED"] * 5
        assert await network.client.transact("write", "a", "1") == ("VALID", 1)


async def test_a_client_that_trusts_another_ca_is_not_connected(network: Running) -> None:
    stranger = Authority.make("tlsca").certificate.public_bytes(Encoding.PEM)
    credentials = grpc.ssl_channel_credentials(stranger)
    async with grpc.aio.secure_channel(network.simulator.address, credentials) as channel:
        stub = gateway_pb2_grpc.GatewayStub(channel)
        refusal = await failure(stub.Endorse(gateway_pb2.EndorseRequest(), timeout=5))
    assert refusal.code == "UNAVAILABLE"
    assert "CERTIFICATE_VERIFY_FAILED" in refusal.message


async def test_blocks_state_and_identities_survive_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as network:
        transaction_id, envelope = await network.client.endorsed("append", "a", "1")
        await network.client.submit(envelope)
        first = await network.client.status(transaction_id)
    async with running(tmp_path) as network:
        assert await network.client.status(transaction_id) == first
        assert await network.client.ask("read", "a") == b"1"
        assert await network.client.transact("append", "a", "2") == ("VALID", 2)
        assert await network.client.ask("read", "a") == b"12"


async def test_a_clean_stop_commits_what_was_taken(tmp_path: Path) -> None:
    async with running(tmp_path, block_interval_s=60.0) as network:
        transaction_id, envelope = await network.client.endorsed("write", "a", "1")
        await network.client.submit(envelope)
    async with running(tmp_path) as network:
        assert await network.client.status(transaction_id) == ("VALID", 1)


async def test_a_folder_of_another_channel_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    with pytest.raises(StackFailed, match="are of channel gxchannel, not other"):
        async with running(tmp_path, channel="other"):
            pass


async def test_an_address_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StackFailed, match="cannot listen on"):
            async with running(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}"):
                pass


async def test_a_failure_to_write_a_block_is_loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(*_: object) -> None:
        raise OSError("no space left on device")

    async def submit_and_watch() -> None:
        async with running(tmp_path) as network:
            monkeypatch.setattr(BlockFile, "append", disk_full)
            transaction_id, envelope = await network.client.endorsed("write", "a", "1")
            await network.client.submit(envelope)
            await asyncio.wait({network.simulator.committing}, timeout=10)
            assert network.simulator.committing.done()
            assert (await failure(network.client.status(transaction_id, timeout_s=0.1))).code == "DEADLINE_EXCEEDED"

    with pytest.raises(OSError, match="no space left"):
        await submit_and_watch()


async def test_many_calls_wait_their_turn_instead_of_being_cancelled(tmp_path: Path) -> None:
    async with running(tmp_path, gateway_limit=5000) as network:
        asked = [network.client.member.propose("read", "a") for _ in range(2000)]
        answers = await asyncio.gather(*(network.client.evaluate(each, timeout_s=60) for each in asked))
    assert [answer.payload for answer in answers] == [b""] * 2000
