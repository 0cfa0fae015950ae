"""The gateway peers: calls go to one of them until it is ill, then to another.

Every gateway peer of a channel gives the same answers, so any of them may carry on with a transaction, also with the
very envelope that another one endorsed. One gRPC channel each, opened with the first call.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2
from grpc import StatusCode

from streams.fabric.connection import open_channel, read_ca_certificates, spare_threads
from streams.fabric.failures import Failure, failure_of
from streams.settings import FabricSettings
from streams.telemetry.traceparent import carried

STRIKES = 3
"""After so many failures of one call in a row that may be the gateway's own, another one is tried."""
ILLNESS_S = 30.0
"""How long a gateway that failed is not chosen while there is another."""

_NEVER_SENT = re.compile(r"failed to connect to all addresses|errors resolving |DNS resolution failed")
# What the gRPC library says of a connection that went down; all other texts of UNAVAILABLE are a gateway's own.
_BROKEN = re.compile(
    r"Stream removed|Socket closed|recvmsg|sendmsg|[Cc]onnection reset|GOAWAY|[Kk]eepalive|[Tt]ransport"
)
_SUSPECT = frozenset({StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE, StatusCode.FAILED_PRECONDITION})
_FULL = "too many requests for /"
# A peer of which the chaincode cannot run. ABORTED is also the code of what the chaincode itself refused.
_NO_CHAINCODE = re.compile(r"could not launch chaincode|chaincode stream terminated")


class Method(StrEnum):
    """The unary calls of `gateway.Gateway`."""

    ENDORSE = "Endorse"
    SUBMIT = "Submit"
    EVALUATE = "Evaluate"
    COMMIT_STATUS = "CommitStatus"


class GatewayPeer:
    """One gateway: its channel, its calls (serialised request in, serialised response out) and its health."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        self.address = address
        self.channel = channel
        # Ready bytes in both directions: gRPC adds nothing to them.
        self.calls: dict[Method, Any] = {
            method: channel.unary_unary(
                f"/gateway.Gateway/{method}", request_serializer=None, response_deserializer=None
            )
            for method in Method
        }
        self.deliver_filtered: Any = channel.stream_stream(
            "/protos.Deliver/DeliverFiltered",
            request_serializer=common_pb2.Envelope.SerializeToString,
            response_deserializer=events_pb2.DeliverResponse.FromString,
        )
        self.strikes: Counter[str] = Counter()
        self.ill_until = 0.0


class Gateways:
    """The gateways of the settings, in their order; `current` gets the calls.

    `on_change` is told when another one has answered: (address left, address now used, why).
    """

    def __init__(
        self,
        peers: list[GatewayPeer],
        on_change: Callable[[str, str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.peers = peers
        self.current = self._in_use = peers[0]
        self._why_left = ""
        self._on_change = on_change
        self._clock = clock

    async def call(self, method: Method, request: bytes, timeout_s: float) -> bytes:
        """The answer of the current gateway, or of another one if it cannot be reached.

        A Submit goes to another one only if it was certainly not sent. Raises grpc.aio.AioRpcError.
        """
        untried = len(self.peers)
        while True:
            peer = self.current
            try:
                answer = await self.call_at(peer, method, request, timeout_s)
            except grpc.aio.AioRpcError as error:
                untried -= 1
                if not untried or not _may_be_repeated(method, failure_of(error)):
                    raise
            else:
                if peer is not self._in_use and peer is self.current:
                    self._changed(peer)
                return answer

    async def call_at(self, peer: GatewayPeer, method: Method, request: bytes, timeout_s: float) -> bytes:
        """The answer of this very gateway. Raises grpc.aio.AioRpcError."""
        try:
            answer: bytes = await peer.calls[method](request, timeout=timeout_s, metadata=tuple(carried().items()))
        except grpc.aio.AioRpcError as error:
            self.failed(peer, method, failure_of(error))
            raise
        if peer.strikes:
            peer.strikes.pop(method, None)
        return answer

    def failed(self, peer: GatewayPeer, call: str, failure: Failure) -> None:
        """Judge a gateway by a failure of one of its calls; leave it if it is ill."""
        if not is_unreachable(failure):
            # Any other failure is an answer: counted, per call, if another gateway might have a better one.
            peer.strikes[call] = peer.strikes[call] + 1 if _is_suspect(failure) else 0
            if peer.strikes[call] < STRIKES:
                return
        self.leave(peer, failure)

    def leave(self, peer: GatewayPeer, failure: Failure) -> None:
        """Use another one, if there is one that is well or this one cannot be reached at all."""
        now = self._clock()
        peer.strikes.clear()
        peer.ill_until = now + ILLNESS_S
        if peer is not self.current or len(self.peers) == 1:
            return
        position = self.peers.index(peer)
        others = [*self.peers[position + 1 :], *self.peers[:position]]
        well = next((one for one in others if one.ill_until <= now), None)
        if well is None and not is_unreachable(failure):
            return  # it answers at least
        # All ill: the one that has been so for the longest time.
        self.current = well or min(others, key=lambda one: one.ill_until)
        if peer is self._in_use:
            self._why_left = str(failure)

    def _changed(self, peer: GatewayPeer) -> None:
        left, self._in_use = self._in_use, peer
        self._on_change(left.address, peer.address, self._why_left)

    async def close(self) -> None:
        """Close every channel."""
        await asyncio.gather(*(peer.channel.close(None) for peer in self.peers))


def open_gateways(settings: FabricSettings, on_change: Callable[[str, str, str], None]) -> Gateways:
    """The gateways of the settings; each connects with its first call. Raises CredentialsInvalid."""
    authorities = read_ca_certificates(settings)
    spare_threads()
    peers = [GatewayPeer(address, open_channel(settings, address, authorities)) for address in settings.gateways]
    return Gateways(peers, on_change)


def is_unreachable(failure: Failure) -> bool:
    """Whether the call found no gateway, or lost it."""
    return (
        failure.code is StatusCode.UNAVAILABLE
        and not failure.details
        and (_NEVER_SENT.match(failure.text) is not None or _BROKEN.search(failure.text) is not None)
    )


def _is_suspect(failure: Failure) -> bool:
    """Whether another gateway might do better, although this one answers, or may yet answer."""
    match failure.code:
        case StatusCode.UNKNOWN:
            return failure.text.startswith(_FULL)
        case StatusCode.ABORTED:
            # What a chaincode says stands behind "chaincode response", and may quote anything.
            texts = [text for text in failure.texts if not text.startswith("chaincode response ")]
            return any(_NO_CHAINCODE.search(text) for text in texts)
        case code:
            return code in _SUSPECT


def _may_be_repeated(method: Method, failure: Failure) -> bool:
    if method is Method.SUBMIT:
        return is_unreachable(failure) and _NEVER_SENT.match(failure.text) is not None
    return is_unreachable(failure)
