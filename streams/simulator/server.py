"""The network put together: keys, ledger, peers, orderer, and the gRPC server in front of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Self

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import events_pb2

from streams.errors import StackFailed
from streams.simulator import refusals
from streams.simulator.blocks import BlockFile
from streams.simulator.committer import Committer
from streams.simulator.config import ORGANISATIONS, SimulatorConfig
from streams.simulator.deliver import Deliver
from streams.simulator.endorser import Chaincode, Endorser, Peer
from streams.simulator.gateway import Gateway
from streams.simulator.genesis import channel_of, genesis_block
from streams.simulator.identities import Membership, Signer, serialize
from streams.simulator.ledger import Ledger
from streams.simulator.orderer import Orderer
from streams.simulator.refusals import Refused
from streams.simulator.validator import Validator
from streams.simulator.wallet import NetworkKeys, fill_wallet, network_keys

MESSAGE_MAX_BYTES = 100 * 1024 * 1024
"""The largest gRPC message that a Fabric peer takes or sends (comm.DefaultMaxRecvMsgSize)."""

_GRACE_S = 0.5


class Simulator:
    """`async with Simulator(config, chaincode) as simulator:` runs the network; `simulator.address` is its gateway.

    `simulator.committing` ends early only by a failure to commit, which leaving the context raises. Raises StackFailed
    when it cannot start, CredentialsInvalid when the wallet is of another network.
    """

    def __init__(self, config: SimulatorConfig, chaincode: Chaincode) -> None:
        self.config = config
        self.address = config.listen
        self.committing: asyncio.Task[None]
        self._chaincode = chaincode
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            await self._start(starting)
            self._running = starting.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    @property
    def keys(self) -> NetworkKeys:
        """The network's authorities: what else is issued by them is a member too."""
        return network_keys(self.config.state / "crypto")

    async def _start(self, stack: AsyncExitStack) -> None:
        self.config.state.mkdir(parents=True, exist_ok=True)
        keys = self.keys
        fill_wallet(self.config.wallet, keys, self.config.identities)
        membership = Membership(keys.authorities)
        blocks = stack.enter_context(BlockFile(self.config.state / "blocks"))
        _found_channel(blocks, self.config.channel, keys)
        ledger = Ledger(blocks)
        validator = Validator(membership, self.config.channel, self.config.chaincode, ORGANISATIONS)
        committer = Committer(ledger, validator)
        orderer = Orderer(membership, self.config, committer.hand_over)
        self.committing = asyncio.create_task(committer.run())
        stack.push_async_callback(_drain, orderer, committer, self.committing)
        endorser = Endorser(membership, ledger, self.config.chaincode, self._chaincode)
        gateway = Gateway(
            config=self.config,
            membership=membership,
            ledger=ledger,
            endorser=endorser,
            peers=_peers(keys, self.config),
            orderer=orderer,
        )
        deliver = Deliver(membership, ledger, self.config.channel)
        server = _server(gateway, deliver, self.config.gateway_limit)
        self.address = _listen(server, self.config.listen, keys)
        await server.start()
        stack.push_async_callback(server.stop, _GRACE_S)


def _found_channel(blocks: BlockFile, channel: str, keys: NetworkKeys) -> None:
    if not len(blocks):
        blocks.append(genesis_block(channel, keys.authorities).SerializeToString())
    elif channel_of(blocks.read(0)) != channel:
        raise StackFailed(f"the blocks kept are of channel {channel_of(blocks.read(0))}, not {channel}")


def _peers(keys: NetworkKeys, config: SimulatorConfig) -> list[Peer]:
    return [
        Peer(
            msp_id=msp_id,
            address=address,
            signer=Signer(serialize(msp_id, keys.peers[msp_id].certificate_pem), keys.peers[msp_id].key),
        )
        for msp_id, address in zip(ORGANISATIONS, config.peer_addresses, strict=True)
    ]


async def _drain(orderer: Orderer, committer: Committer, committing: asyncio.Task[None]) -> None:
    """What was taken is committed before the blocks are closed."""
    orderer.flush()
    committer.finish()
    await committing


def _listen(server: grpc.aio.Server, listen: str, keys: NetworkKeys) -> str:
    credentials = grpc.ssl_server_credentials([(keys.server.key_pem, keys.server.certificate_pem)])
    try:
        port = server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        raise StackFailed(f"cannot listen on {listen}: the address is taken or not one of this machine") from error
    return f"{listen.rpartition(':')[0]}:{port}"


def _server(gateway: Gateway, deliver: Deliver, limit: int) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MESSAGE_MAX_BYTES),
            ("grpc.max_send_message_length", MESSAGE_MAX_BYTES),
            # Without it, a second server on the port would silently take half of the connections.
            ("grpc.so_reuseport", 0),
        ]
    )
    slots = Slots(limit)
    calls = {
        "Endorse": slots.call(gateway.endorse, gateway_pb2.EndorseRequest),
        "Evaluate": slots.call(gateway.evaluate, gateway_pb2.EvaluateRequest),
        "Submit": slots.call(gateway.submit, gateway_pb2.SubmitRequest),
        "CommitStatus": slots.call(gateway.commit_status, gateway_pb2.SignedCommitStatusRequest),
    }
    streams = {"Deliver": _stream(deliver.blocks), "DeliverFiltered": _stream(deliver.filtered_blocks)}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("gateway.Gateway", calls),
            grpc.method_handlers_generic_handler("protos.Deliver", streams),
        )
    )
    return server


class Slots:
    """The gateway's limit on open calls; one over it is refused at once, there is no queue."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0

    def call(self, answer: Callable[[Any], Awaitable[Any]], request_type: Any) -> Any:
        """A gRPC handler of a call that takes a slot."""

        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                if self._open >= self._limit:
                    raise refusals.too_many_requests(self._limit)
                self._open += 1
                try:
                    return await answer(request)
                finally:
                    self._open -= 1
            except Refused as refusal:
                await context.abort(refusal.code, refusal.message, refusal.trailers())

        return grpc.unary_unary_rpc_method_handler(
            handle, request_deserializer=request_type.FromString, response_serializer=_serialized
        )


def _stream(
    answer: Callable[[AsyncIterator[common_pb2.Envelope]], AsyncIterator[events_pb2.DeliverResponse]],
) -> Any:
    # gRPC streams only from what is itself an asynchronous generator function.
    async def handle(seeks: AsyncIterator[common_pb2.Envelope], _: object) -> AsyncIterator[events_pb2.DeliverResponse]:
        async for response in answer(seeks):
            yield response

    return grpc.stream_stream_rpc_method_handler(
        handle, request_deserializer=common_pb2.Envelope.FromString, response_serializer=_serialized
    )


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())
