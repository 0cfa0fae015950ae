"""The least that a client can do for a transaction: the bare calls, without errors, ids or anything remembered."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import chaincode_pb2, events_pb2_grpc, proposal_pb2

from streams.fabric.proposals import commit_status_request, seek_envelope
from streams.fabric.wallet import Identity
from streams.settings import FabricSettings

TIMEOUT_S = 30.0


class BareClient:
    """Two signatures, two calls and one shared stream of blocks."""

    def __init__(self, channel: grpc.aio.Channel, identity: Identity, settings: FabricSettings) -> None:
        self._channel, self._identity, self._settings = channel, identity, settings
        self._stub = gateway_pb2_grpc.GatewayStub(channel)
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self.last_committed = ""

    @contextlib.asynccontextmanager
    async def following(self, at: Any) -> AsyncIterator[None]:
        """With the stream of blocks, read in a task of its own."""
        stream = events_pb2_grpc.DeliverStub(self._channel).DeliverFiltered()
        await stream.write(seek_envelope(self._identity, self._settings.channel, None, at))
        reading = asyncio.create_task(self._read(stream))
        try:
            yield
        finally:
            stream.cancel()
            await asyncio.wait([reading])

    async def _read(self, stream: Any) -> None:
        async for response in stream:
            for entry in response.filtered_block.filtered_transactions:
                if (waiting := self._waiting.pop(entry.txid, None)) is not None:
                    waiting.set_result(entry.tx_validation_code)

    async def carry(self, arguments: Sequence[str]) -> None:
        """Endorse, submit, wait for the block."""
        channel, sign = self._settings.channel, self._identity.sign
        transaction_id, proposal = self._proposal(arguments)
        endorsed = await self._stub.Endorse(
            gateway_pb2.EndorseRequest(
                transaction_id=transaction_id,
                channel_id=channel,
                proposed_transaction=proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=sign(proposal)),
                endorsing_organizations=self._settings.endorsing_orgs,
            ),
            timeout=TIMEOUT_S,
        )
        envelope = endorsed.prepared_transaction
        envelope.signature = sign(envelope.payload)
        waiting = self._waiting[transaction_id] = asyncio.get_running_loop().create_future()
        await self._stub.Submit(
            gateway_pb2.SubmitRequest(transaction_id=transaction_id, channel_id=channel, prepared_transaction=envelope),
            timeout=TIMEOUT_S,
        )
        assert await waiting == 0
        self.last_committed = transaction_id

    def unary_call(self) -> Any:
        """A call that costs nothing but itself: ready bytes out, bytes in."""
        request = commit_status_request(self._identity, self._settings.channel, self.last_committed)
        asked = request.SerializeToString()
        call: Any = self._channel.unary_unary(
            "/gateway.Gateway/CommitStatus", request_serializer=None, response_deserializer=None
        )

        async def one() -> None:
            await call(asked, timeout=TIMEOUT_S)

        return one

    def _proposal(self, arguments: Sequence[str]) -> tuple[str, bytes]:
        nonce, chaincode_id = secrets.token_bytes(24), chaincode_pb2.ChaincodeID(name=self._settings.chaincode)
        transaction_id = hashlib.sha256(nonce + self._identity.creator).hexdigest()
        header = common_pb2.ChannelHeader(
            type=common_pb2.ENDORSER_TRANSACTION,
            channel_id=self._settings.channel,
            tx_id=transaction_id,
            extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_id).SerializeToString(),
        )
        header.timestamp.GetCurrentTime()
        spec = chaincode_pb2.ChaincodeInvocationSpec(
            chaincode_spec=chaincode_pb2.ChaincodeSpec(
                chaincode_id=chaincode_id,
                input=chaincode_pb2.ChaincodeInput(args=[argument.encode() for argument in arguments]),
            )
        )
        payload = proposal_pb2.ChaincodeProposalPayload(input=spec.SerializeToString())
        signature_header = common_pb2.SignatureHeader(creator=self._identity.creator, nonce=nonce)
        proposal: bytes = proposal_pb2.Proposal(
            header=common_pb2.Header(
                channel_header=header.SerializeToString(), signature_header=signature_header.SerializeToString()
            ).SerializeToString(),
            payload=payload.SerializeToString(),
        ).SerializeToString()
        return transaction_id, proposal
