from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from simulator_member import Member
from simulator_network import CHANNEL, Network

from streams.simulator.config import SimulatorConfig
from streams.simulator.identities import Membership
from streams.simulator.orderer import Batch, BlockCutter, Orderer
from streams.simulator.refusals import OrdererRefused


def cuts(cutter: BlockCutter, *sizes: int) -> list[list[int]]:
    """Sizes of the messages in each batch that is full by these."""
    return [[len(message) for message in batch] for size in sizes for batch in cutter.add(bytes(size))]


def test_a_block_is_full_at_the_largest_number_of_messages() -> None:
    cutter = BlockCutter(max_messages=3, preferred_bytes=1000)
    assert cuts(cutter, 1, 1) == []
    assert cuts(cutter, 1) == [[1, 1, 1]]
    assert not cutter.has_pending


def test_a_message_over_the_preferred_bytes_opens_the_next_block() -> None:
    cutter = BlockCutter(max_messages=100, preferred_bytes=10)
    assert cuts(cutter, 6, 4) == []
    assert cuts(cutter, 1) == [[6, 4]]
    assert cutter.cut() == [bytes(1)]


def test_a_message_larger_than_preferred_travels_alone() -> None:
    cutter = BlockCutter(max_messages=100, preferred_bytes=10)
    assert cuts(cutter, 3, 11, 2) == [[3], [11]]
    assert cutter.has_pending


class Ordering:
    """An orderer whose batches are at hand."""

    def __init__(self, network: Network, tmp_path: Path, **changes: float) -> None:
        config = SimulatorConfig(state=tmp_path, wallet=tmp_path, **{"block_interval_s": 0.02, **changes})  # type: ignore[arg-type]
        self.batches: asyncio.Queue[Batch] = asyncio.Queue()
        self.orderer = Orderer(network.membership, config, self.batches.put_nowait)


def envelope(member: Member, channel: str = CHANNEL, data: bytes = b"") -> common_pb2.Envelope:
    header = common_pb2.Header(
        channel_header=common_pb2.ChannelHeader(type=3, channel_id=channel).SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=member.creator, nonce=b"n").SerializeToString(),
    )
    return member.sign(common_pb2.Envelope(payload=common_pb2.Payload(header=header, data=data).SerializeToString()))


async def test_what_is_pending_is_cut_after_the_interval_in_the_order_of_arrival(tmp_path: Path) -> None:
    network = Network(tmp_path)
    ordering = Ordering(network, tmp_path)
    sent = [envelope(network.member, data=bytes([number])) for number in range(3)]
    for each in sent:
        ordering.orderer.take(each)
    assert ordering.batches.empty()
    batch = await asyncio.wait_for(ordering.batches.get(), 5)
    assert [each.serialized for each in batch] == [each.SerializeToString() for each in sent]


async def test_the_interval_starts_anew_after_a_full_block(tmp_path: Path) -> None:
    network = Network(tmp_path)
    ordering = Ordering(network, tmp_path, block_max_messages=2)
    for _ in range(3):
        ordering.orderer.take(envelope(network.member))
    assert len(ordering.batches.get_nowait()) == 2
    assert len(await asyncio.wait_for(ordering.batches.get(), 5)) == 1


def refusal(ordering: Ordering, sent: common_pb2.Envelope) -> tuple[str, str]:
    with pytest.raises(OrdererRefused) as caught:
        ordering.orderer.take(sent)
    assert ordering.batches.empty()
    return common_pb2.Status.Name(caught.value.status), caught.value.info


async def test_only_members_who_may_write_are_taken(tmp_path: Path) -> None:
    network = Network(tmp_path)
    ordering = Ordering(network, tmp_path)
    stranger = Member("Org1MSP", Network(_folder(tmp_path)).authorities["Org1MSP"].issue("stranger", "client"))
    peer = network.new_member(unit="peer")
    forged = common_pb2.Envelope(payload=envelope(network.member).payload, signature=stranger.signer.sign(b"x"))
    for sent in (envelope(stranger), envelope(peer), forged):
        status, info = refusal(ordering, sent)
        assert status == "FORBIDDEN"
        assert info.startswith("implicit policy evaluation failed - 0 sub-policies were satisfied")


async def test_an_expired_creator_is_refused_as_such(tmp_path: Path) -> None:
    network = Network(tmp_path)
    now = datetime.now(UTC)
    credential = network.authorities["Org1MSP"].issue(
        "old", "client", not_before=now - timedelta(days=2), not_after=now - timedelta(days=1)
    )
    ordering = Ordering(network, tmp_path)
    assert refusal(ordering, envelope(Member("Org1MSP", credential))) == (
        "BAD_REQUEST",
        "broadcast client identity expired",
    )


async def test_an_envelope_over_the_limit_is_refused_with_its_size(tmp_path: Path) -> None:
    network = Network(tmp_path)
    ordering = Ordering(network, tmp_path, message_max_bytes=2000)
    sent = envelope(network.member, data=bytes(2000))
    size = len(sent.payload) + len(sent.signature)
    assert refusal(ordering, sent) == (
        "BAD_REQUEST",
        f"message payload is {size} bytes and exceeds maximum allowed 2000 bytes",
    )


async def test_an_envelope_for_another_channel_is_not_found(tmp_path: Path) -> None:
    network = Network(tmp_path)
    assert refusal(Ordering(network, tmp_path), envelope(network.member, channel="nochan"))[0] == "NOT_FOUND"


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "another"
    folder.mkdir()
    return folder


def test_membership_remembers_only_good_signatures(tmp_path: Path) -> None:
    network = Network(tmp_path)
    membership = Membership(network.authorities)
    identity = membership.identify(network.member.creator)
    signature = network.member.signer.sign(b"message")
    for _ in range(2):
        assert membership.verify(identity, signature, b"mess", b"age")
        assert not membership.verify(identity, signature, b"another message")
