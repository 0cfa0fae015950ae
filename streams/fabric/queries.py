"""Calls that change nothing: evaluate a chaincode function, ask for a commit status."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import grpc
from fabric_protos.common import ledger_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc

from streams.fabric.proposals import commit_status_request, signed_proposal
from streams.fabric.wallet import Identity
from streams.settings import FabricSettings

# The gateway refuses all calls beyond its limit (500 by default): a crowd of look-ups must not take what the
# endorsements of the same process need.
QUERIES_AT_ONCE = 64


class Queries:
    """Questions to the gateway, each with a deadline of `endorse_timeout_s`. They raise grpc.aio.AioRpcError."""

    def __init__(
        self, channel: grpc.aio.Channel, identity: Identity, settings: FabricSettings, now: Callable[[], datetime]
    ) -> None:
        self._stub = gateway_pb2_grpc.GatewayStub(channel)
        self._identity = identity
        self._settings = settings
        self._now = now
        self._turn = asyncio.Semaphore(QUERIES_AT_ONCE)

    async def evaluate(
        self, chaincode: str, arguments: Sequence[str], transient: Mapping[str, bytes] | None = None
    ) -> bytes:
        """The chaincode's answer to a call that is not ordered."""
        request = gateway_pb2.EvaluateRequest(
            channel_id=self._settings.channel,
            proposed_transaction=signed_proposal(
                self._identity,
                channel=self._settings.channel,
                chaincode=chaincode,
                arguments=arguments,
                nonce=secrets.token_bytes(24),
                transient=transient or {},
                at=self._now(),
            ),
        )
        async with self._turn:
            response = await self._stub.Evaluate(request, timeout=self._settings.endorse_timeout_s)
        payload: bytes = response.result.payload
        return payload

    async def block_number(self, transaction_id: str) -> int:
        """The number of the first block that holds the id; waits for one until the deadline."""
        request = commit_status_request(self._identity, self._settings.channel, transaction_id)
        async with self._turn:
            response = await self._stub.CommitStatus(request, timeout=self._settings.endorse_timeout_s)
        number: int = response.block_number
        return number

    async def height(self) -> int:
        """How many blocks the channel has at the gateway peer."""
        payload = await self.evaluate("qscc", ("GetChainInfo", self._settings.channel))
        height: int = ledger_pb2.BlockchainInfo.FromString(payload).height
        return height

    async def block(self, number: int) -> bytes:
        """The serialised `common.Block` of this number."""
        return await self.evaluate("qscc", ("GetBlockByNumber", self._settings.channel, str(number)))
