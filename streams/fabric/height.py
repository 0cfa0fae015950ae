"""How far the chain has come, asked of every gateway now and then: what the stream of blocks is measured by."""

from __future__ import annotations

import asyncio

import grpc
from google.protobuf.message import DecodeError

from streams.fabric.block_stream import BlockStream
from streams.fabric.failures import raise_if_cancelled
from streams.fabric.gateways import GatewayPeer, Gateways
from streams.fabric.queries import Queries

ASKED_EVERY_S = 5.0


async def follow_height(queries: Queries, gateways: Gateways, blocks: BlockStream) -> None:
    """Tell the stream the height of the furthest gateway, every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(ASKED_EVERY_S)
        heights = await asyncio.gather(*(_height(queries, peer) for peer in gateways.peers))
        if (height := max(heights)) > 0:
            blocks.tell_height(height)


async def _height(queries: Queries, peer: GatewayPeer) -> int:
    """0 of a gateway that does not tell: the stream and the commands report it, each on its own."""
    try:
        return await queries.height(peer)
    except (grpc.aio.AioRpcError, DecodeError):
        raise_if_cancelled()
        return 0
