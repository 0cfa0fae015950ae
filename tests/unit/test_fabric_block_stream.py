"""The stream of blocks goes on where it broke off, and tells when something may have gone by."""

from __future__ import annotations

import asyncio

import pytest
from scripted_blocks import BROKEN, HIDDEN_CANCELLATION, SILENCE, Peer, block, eventually, following, status


async def test_it_starts_at_the_newest_block_and_asks_to_look_up_what_came_before() -> None:
    async with following([block(5), block(6), SILENCE]) as (stream, reader, peer, _):
        await reader.until(lambda: stream.last_block == 6)
        assert peer.seeks == [None]
        assert reader.told == [(5, [("t5", 1)]), "gap", (6, [("t6", 0)])]
        assert (stream.blocks_seen, stream.is_live) == (2, True)


async def test_after_an_interruption_it_goes_on_with_the_next_block() -> None:
    async with following([block(5), BROKEN], [block(6), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 6)
        assert peer.seeks == [None, 6]
        assert reader.told == [(5, [("t5", 1)]), "gap", "gap", (6, [("t6", 0)])]
        assert reasons == ["Socket closed"]
        assert stream.is_live


async def test_it_tries_until_the_peer_is_back() -> None:
    async with following([BROKEN], [BROKEN], [block(9), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 9)
        assert peer.seeks == [None, None, None]
        assert reasons == ["Socket closed"] * 2


async def test_a_peer_that_lags_behind_is_followed_from_its_newest_block() -> None:
    async with following([block(9), BROKEN], [status("NOT_FOUND")], [block(7), SILENCE]) as (stream, reader, peer, _):
        await reader.until(lambda: stream.last_block == 7)
        assert peer.seeks == [None, 10, None]
        assert peer.failures == ["Socket closed"]


async def test_behind_a_lagging_peer_it_goes_on_at_another_where_it_was() -> None:
    scripts = [block(9), BROKEN], [status("NOT_FOUND")], [BROKEN], [block(10), SILENCE]
    async with following(*scripts) as (stream, reader, peer, _):
        await reader.until(lambda: stream.last_block == 10)
        assert peer.seeks == [None, 10, None, 10]


async def test_blocks_left_out_between_two_are_to_be_looked_up() -> None:
    async with following([block(9), block(12), block(13), SILENCE]) as (stream, reader, _, __):
        await reader.until(lambda: stream.last_block == 13)
        assert reader.told[2:] == [(12, [("t12", 0)]), "gap", (13, [("t13", 1)])]


async def test_it_tells_how_far_behind_the_chain_it_is() -> None:
    async with following([block(9), SILENCE]) as (stream, reader, _, __):
        assert stream.behind is None
        stream.tell_height(13)
        assert stream.behind is None
        await reader.until(lambda: stream.last_block == 9)
        assert stream.behind == 3
        stream.tell_height(10)
        assert stream.behind == 0


async def test_a_stream_that_stands_still_behind_the_chain_is_opened_anew() -> None:
    async with following([block(9), SILENCE], [block(10), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 9)
        stream.tell_height(12)
        assert reasons == []
        stream.tell_height(12)
        await reader.until(lambda: stream.last_block == 10)
        assert peer.seeks == [None, 10]
        assert reasons == peer.left == ["2 blocks have not come"]
        assert "gap" in reader.told[2:]


async def test_a_stream_that_hangs_before_its_first_block_is_opened_anew() -> None:
    async with following([SILENCE], [block(3), SILENCE]) as (stream, reader, peer, reasons):
        await eventually(lambda: len(peer.seeks) == 1)
        stream.tell_height(4)
        assert reasons == []
        stream.tell_height(4)
        await reader.until(lambda: stream.last_block == 3)
        assert reasons == peer.left == ["no block has come"]
        assert peer.seeks == [None, None]


async def test_a_stream_that_was_opened_just_now_is_given_time_for_its_first_block() -> None:
    async with following([BROKEN], [SILENCE]) as (stream, _, peer, reasons):
        stream.tell_height(4)
        await eventually(lambda: len(peer.seeks) == 2)
        stream.tell_height(4)
        assert (reasons, peer.left) == (["Socket closed"], [])


async def test_a_stream_that_goes_on_behind_the_chain_is_left_alone() -> None:
    async with following([block(9), SILENCE]) as (stream, reader, _, reasons):
        await reader.until(lambda: stream.last_block == 9)
        stream.tell_height(12)
        stream.last_block = 10
        stream.tell_height(13)
        stream.tell_height(11)
        assert reasons == []


async def test_when_another_gateway_is_used_it_goes_on_there_without_a_gap_in_the_blocks() -> None:
    async with following([block(9), SILENCE], [block(10), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 9)
        stream.change_gateway()  # it is there already
        peer.current = Peer()
        stream.change_gateway()
        peer.current = peer
        await reader.until(lambda: stream.last_block == 10)
        assert (peer.seeks, reasons) == ([None, 10], ["another gateway is used"])


@pytest.mark.parametrize("name", ["FORBIDDEN", "BAD_REQUEST", "SERVICE_UNAVAILABLE"])
async def test_a_refusal_is_told_and_tried_again(name: str) -> None:
    async with following([block(4), status(name)], [block(5), SILENCE]) as (stream, reader, peer, reasons):
        await reader.until(lambda: stream.last_block == 5)
        assert peer.seeks == [None, 5]
        assert reasons == peer.failures == [f"the peer refused the stream of blocks: {name}"]


async def test_it_survives_a_fault_of_its_reader() -> None:
    async with following([block(4), BROKEN], [ValueError("odd")], [block(5), SILENCE]) as (stream, reader, _, reasons):
        await reader.until(lambda: stream.last_block == 5)
        assert reasons == ["Socket closed", "ValueError: odd"]


async def test_an_ended_stream_is_not_live() -> None:
    async with following([block(4)], [SILENCE]) as (stream, reader, _, reasons):
        await reader.until(lambda: reasons != [])
        assert not stream.is_live
        assert stream.last_interruption == "the peer ended the stream"


async def test_it_stops_also_when_grpc_hides_the_cancellation() -> None:
    async with asyncio.timeout(5):
        async with following([block(4), HIDDEN_CANCELLATION]) as (stream, reader, _, reasons):
            await reader.until(lambda: stream.is_live)
        assert reasons == []
