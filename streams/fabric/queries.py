"""Calls that change nothing: evaluate a chaincode function, ask for a commit status."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from fabric_protos.common import ledger_pb2
from fabric_protos.gateway import gateway_pb2

from streams.fabric.gateways import GatewayPeer, Gateways, Method
from streams.fabric.proposals import commit_status_request, signed_proposal
from streams.fabric.wallet import Identity
from streams.settings import FabricSettings

# A gateway refuses all calls beyond its limit (500 by default): a crowd of look-ups must not take what the
# endorsements of the same process need.
QUERIES_AT_ONCE = 64


class Queries:
    """Questions to a gateway, each with a deadline of `endorse_timeout_s`. They raise grpc.aio.AioRpcError."""

    def __init__(
        self,
        gateways: Gateways,
        identity: Callable[[], Identity],
        settings: FabricSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._gateways = gateways
        self._identity = identity
        self._settings = settings
        self._now = now
        # One of each gateway: the questions to one that hangs must not hold up those to the others.
        self._turns: defaultdict[GatewayPeer, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(QUERIES_AT_ONCE)
        )

    @property
    def peers(self) -> tuple[GatewayPeer, ...]:
        """Every gateway, the one in use first."""
        in_use = self._gateways.current
        return (in_use, *(peer for peer in self._gateways.peers if peer is not in_use))

    async def evaluate(self, chaincode: str, arguments: Sequence[str], peer: GatewayPeer | None = None) -> bytes:
        """The chaincode's answer to a call that is not ordered, of the gateway in use or of this very one."""
        return _result(await self._ask(Method.EVALUATE, self._evaluation(chaincode, arguments), peer))

    async def block_number(self, transaction_id: str, peer: GatewayPeer | None = None) -> int:
        """The number of the first block that holds the id; waits for one until the deadline."""
        request = commit_status_request(self._identity(), self._settings.channel, transaction_id)
        answer = await self._ask(Method.COMMIT_STATUS, request.SerializeToString(), peer)
        number: int = gateway_pb2.CommitStatusResponse.FromString(answer).block_number
        return number

    async def height(self, peer: GatewayPeer | None = None) -> int:
        """How many blocks of the channel the gateway in use has, or this very one."""
        request = self._evaluation("qscc", ("GetChainInfo", self._settings.channel))
        if peer is None:
            answer = await self._ask(Method.EVALUATE, request, None)
        else:  # at once, whatever else waits for this gateway
            answer = await self._gateways.call_at(peer, Method.EVALUATE, request, self._settings.endorse_timeout_s)
        height: int = ledger_pb2.BlockchainInfo.FromString(_result(answer)).height
        return height

    async def block(self, number: int) -> bytes:
        """The serialised `common.Block` of this number."""
        return await self.evaluate("qscc", ("GetBlockByNumber", self._settings.channel, str(number)))

    async def _ask(self, method: Method, request: bytes, peer: GatewayPeer | None) -> bytes:
        timeout_s = self._settings.endorse_timeout_s
        async with self._turns[peer or self._gateways.current]:
            if peer is None:
                return await self._gateways.call(method, request, timeout_s)
            return await self._gateways.call_at(peer, method, request, timeout_s)

    def _evaluation(self, chaincode: str, arguments: Sequence[str]) -> bytes:
        proposal = signed_proposal(
            self._identity(),
            channel=self._settings.channel,
            chaincode=chaincode,
            arguments=arguments,
            nonce=secrets.token_bytes(24),
            transient={},
            at=self._now(),
        )
        request = gateway_pb2.EvaluateRequest(channel_id=self._settings.channel, proposed_transaction=proposal)
        serialised: bytes = request.SerializeToString()
        return serialised


def _result(answer: bytes) -> bytes:
    payload: bytes = gateway_pb2.EvaluateResponse.FromString(answer).result.payload
    return payload
