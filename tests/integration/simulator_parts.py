"""The addresses beside the gateway's, for clients that call each part themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2_grpc
from simulator_client import Client, Running

from streams.simulator.blocks import header_bytes
from streams.simulator.identities import Membership

EVERY_ADDRESS = {"org2_listen": "127.0.0.1:0", "orderer_listen": "127.0.0.1:0"}


@asynccontextmanager
async def connected(network: Running, address: str) -> AsyncIterator[grpc.aio.Channel]:
    root = network.simulator.keys.tls_authority.certificate.public_bytes(Encoding.PEM)
    async with grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root)) as channel:
        yield channel


@asynccontextmanager
async def at_org2(network: Running) -> AsyncIterator[Client]:
    async with connected(network, network.simulator.org2_address) as channel:
        yield Client(channel, network.client.member)


@asynccontextmanager
async def ordering(network: Running) -> AsyncIterator[Any]:
    async with connected(network, network.simulator.orderer_address) as channel:
        yield ab_pb2_grpc.AtomicBroadcastStub(channel)


def assert_signed_by_the_orderer(network: Running, block: common_pb2.Block) -> None:
    signatures = common_pb2.Metadata.FromString(block.metadata.metadata[0])
    (signed,) = signatures.signatures
    creator = common_pb2.SignatureHeader.FromString(signed.signature_header).creator
    membership = Membership(network.simulator.keys.authorities)
    orderer = membership.identify(creator)
    assert (orderer.msp_id, orderer.unit) == ("OrdererMSP", "orderer")
    message = (signatures.value, signed.signature_header, header_bytes(block.header))
    assert membership.verify(orderer, signed.signature, *message)
    assert common_pb2.OrdererBlockMetadata.FromString(signatures.value).last_config.index == 0
