"""A peer's side of the chaincode stream over a dictionary: core/chaincode/handler.go, as far as a chaincode sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    chaincode_shim_pb2,
    chaincode_shim_pb2_grpc,
    proposal_pb2,
    proposal_response_pb2,
)

from streams.simulator.certificates import Authority
from streams.simulator.identities import serialize

Message = chaincode_shim_pb2.ChaincodeMessage
SENT_AT = datetime(2025, 12, 1, 4, 0, 0, tzinfo=UTC)
PAGE = 2
_AUTHORITY = Authority.make("ca.org1.example.com")


def creator(role: str | None, name: str = "somebody") -> bytes:
    """A serialised identity of Org1 with that role."""
    attributes = None if role is None else {"gxc_role": role, "hf.Type": "client"}
    return serialize("Org1MSP", _AUTHORITY.issue(name, "client", attributes=attributes).certificate_pem)


class Peer:
    """`entries` is the committed state; `asked` the questions by transaction id, in order.

    Questions for a key in `held` are answered when its event is set; those for a key in `broken` with ERROR.
    """

    def __init__(self, stream: Any) -> None:
        self.entries: dict[str, bytes] = {}
        self.asked: dict[str, list[str]] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.broken: set[str] = set()
        self.registered = asyncio.get_running_loop().create_future()
        self._stream = stream
        self._sending = asyncio.Lock()
        self._open: dict[str, asyncio.Future[Any]] = {}
        self._busy: set[str] = set()
        self._scans: dict[str, list[str]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Take what the chaincode sends."""
        async for message in self._stream:
            if message.type == Message.REGISTER:
                self.registered.set_result(chaincode_pb2.ChaincodeID.FromString(message.payload).name)
                await self._send(Message(type=Message.REGISTERED))
                await self._send(Message(type=Message.READY))
            elif message.type == Message.KEEPALIVE:
                self._open.pop("").set_result(message)
            elif message.type in (Message.COMPLETED, Message.ERROR):
                self._open.pop(message.txid).set_result(message)
            else:
                task = asyncio.create_task(self._answer(message))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    async def keep_alive(self) -> Any:
        """What comes back."""
        self._open[""] = asyncio.get_running_loop().create_future()
        await self._send(Message(type=Message.KEEPALIVE))
        return await self._open[""]

    async def call(
        self,
        *arguments: str | bytes,
        by: bytes,
        transaction_id: str | None = None,
        transient: Mapping[str, bytes] | None = None,
    ) -> Any:
        """The COMPLETED or ERROR message that ends the call."""
        transaction_id = transaction_id or uuid4().hex * 2
        given = [argument.encode() if isinstance(argument, str) else argument for argument in arguments]
        future = self._open.setdefault(transaction_id, asyncio.get_running_loop().create_future())
        await self._send(
            Message(
                type=Message.TRANSACTION,
                txid=transaction_id,
                channel_id="gxchannel",
                payload=chaincode_pb2.ChaincodeInput(args=given).SerializeToString(),
                proposal=_proposal(by, transient or {}),
            )
        )
        return await asyncio.wait_for(future, 20)

    async def _send(self, message: Any) -> None:
        async with self._sending:  # gRPC takes one write at a time
            await self._stream.write(message)

    async def _answer(self, message: Any) -> None:
        # A peer silently drops a question while it answers another one of the transaction (registerTxid).
        assert message.txid not in self._busy
        self._busy.add(message.txid)
        kind = Message.Type.Name(message.type)
        key, payload = self._look(message)
        self.asked.setdefault(message.txid, []).append(f"{kind} {key}".strip())
        if key in self.held:
            await self.held[key].wait()
        self._busy.discard(message.txid)
        failed = key in self.broken
        answer = Message(
            type=Message.ERROR if failed else Message.RESPONSE,
            payload=f"{kind} failed".encode() if failed else payload,
            txid=message.txid,
            channel_id=message.channel_id,
        )
        await self._send(answer)

    def _look(self, message: Any) -> tuple[str, bytes]:
        """The key asked for, and the answer."""
        match message.type:
            case Message.GET_STATE:
                key = chaincode_shim_pb2.GetState.FromString(message.payload).key
                return key, self.entries.get(key, b"")
            case Message.GET_STATE_BY_RANGE:
                wanted = chaincode_shim_pb2.GetStateByRange.FromString(message.payload)
                self._scans["scan"] = [key for key in sorted(self.entries) if wanted.startKey <= key < wanted.endKey]
                return wanted.startKey, self._page("scan")
            case Message.QUERY_STATE_NEXT:
                return "", self._page(chaincode_shim_pb2.QueryStateNext.FromString(message.payload).id)
            case Message.PUT_STATE:
                return chaincode_shim_pb2.PutState.FromString(message.payload).key, b""
            case Message.DEL_STATE:
                return chaincode_shim_pb2.DelState.FromString(message.payload).key, b""
            case _:
                return "", b""

    def _page(self, scan: str) -> bytes:
        keys, self._scans[scan] = self._scans[scan][:PAGE], self._scans[scan][PAGE:]
        found = [kv_query_result_pb2.KV(key=key, value=self.entries[key]).SerializeToString() for key in keys]
        results = [chaincode_shim_pb2.QueryResultBytes(resultBytes=one) for one in found]
        response = chaincode_shim_pb2.QueryResponse(results=results, has_more=bool(self._scans[scan]), id=scan)
        return bytes(response.SerializeToString())


def _proposal(by: bytes, transient: Mapping[str, bytes]) -> Any:
    header = common_pb2.ChannelHeader(channel_id="gxchannel")
    header.timestamp.FromDatetime(SENT_AT)
    proposal = proposal_pb2.Proposal(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(creator=by, nonce=b"nonce").SerializeToString(),
        ).SerializeToString(),
        payload=proposal_pb2.ChaincodeProposalPayload(TransientMap=transient).SerializeToString(),
    )
    return proposal_pb2.SignedProposal(proposal_bytes=proposal.SerializeToString())


def response_of(message: Any) -> Any:
    """The chaincode's response in a COMPLETED message."""
    assert message.type == Message.COMPLETED
    return proposal_response_pb2.Response.FromString(message.payload)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Peer]:
    """A registered peer; leaving hangs up."""
    async with grpc.aio.insecure_channel(address) as channel:
        stream = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
        peer = Peer(stream)
        listening = asyncio.create_task(peer.listen())
        try:
            await asyncio.wait_for(peer.registered, 20)
            yield peer
        finally:
            stream.cancel()
            listening.cancel()
            await asyncio.wait({listening})
