"""A simulator with a client connected over TLS, and a chaincode whose functions are habits of real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2, events_pb2_grpc, peer_pb2_grpc, transaction_pb2
from simulator_member import FOREVER, Member, SignedProposal

from streams.chaincode.state import ChaincodeRefused, State
from streams.simulator.config import IdentityConfig, SimulatorConfig
from streams.simulator.faults import read_fault
from streams.simulator.server import Simulator

CHANNEL = "gxchannel"
CHAINCODE = "gxtv3"
OLDEST = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
]
NEWEST = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = 20) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 (what is asked for is on the other side of a wire)
            await asyncio.sleep(0.01)


class Notes:
    """Keys that hold texts. `wait` answers only once `released` is set."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.called = asyncio.Event()

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes | Awaitable[bytes]:
        match function, *arguments:
            case "write", key, text:
                state.put(key, text.encode())
            case "append", key, text:
                state.put(key, (state.get(key) or b"") + text.encode())
            case "read", key:
                return state.get(key) or b""
            case "count", start, end:
                state.put("count", str(len(list(state.range(start, end)))).encode())
            case "announce", name, text:
                state.set_event(name, text.encode())
            case "answer", status, text:
                raise ChaincodeRefused(text, status=int(status))
            case ("who",):
                creator = state.creator
                return f"{creator.msp_id} {creator.name} {creator.attributes['gxc_role']}".encode()
            case "large", size_bytes:
                return bytes(int(size_bytes))
            case ("wait",):
                return self._wait()
            case _:
                raise RuntimeError("a bug in the chaincode")
        return b"done"

    async def _wait(self) -> bytes:
        self.called.set()
        await self.released.wait()
        return b"released"


class Client:
    """One member at the gateway; every call is sent as given, nothing is checked before."""

    def __init__(self, channel: grpc.aio.Channel, member: Member) -> None:
        self.channel = channel
        self.member = member
        self.gateway = gateway_pb2_grpc.GatewayStub(channel)
        self.streams = events_pb2_grpc.DeliverStub(channel)

    async def endorse(self, signed: SignedProposal, *organisations: str, timeout_s: float = 10) -> common_pb2.Envelope:
        request = gateway_pb2.EndorseRequest(
            transaction_id="only logged by the server",
            channel_id=CHANNEL,
            proposed_transaction=signed.message,
            endorsing_organizations=organisations,
        )
        return (await self.gateway.Endorse(request, timeout=timeout_s)).prepared_transaction

    async def endorsed(self, *call: str, organisations: Sequence[str] = (), nonce: bytes | None = None) -> Any:
        """(id, signed envelope) of a call."""
        signed = self.member.propose(*call, nonce=nonce)
        return signed.transaction_id, self.member.sign(await self.endorse(signed, *organisations))

    async def submit(self, envelope: common_pb2.Envelope, channel: str = CHANNEL) -> None:
        await self.gateway.Submit(self.submit_request(envelope, channel), timeout=10)

    @staticmethod
    def submit_request(envelope: common_pb2.Envelope, channel: str = CHANNEL) -> gateway_pb2.SubmitRequest:
        return gateway_pb2.SubmitRequest(channel_id=channel, prepared_transaction=envelope)

    async def status(self, transaction_id: str, timeout_s: float = 10) -> tuple[str, int]:
        answer = await self.gateway.CommitStatus(self.member.ask_status(transaction_id), timeout=timeout_s)
        return transaction_pb2.TxValidationCode.Name(answer.result), answer.block_number

    async def transact(self, *call: str) -> tuple[str, int]:
        transaction_id, envelope = await self.endorsed(*call)
        await self.submit(envelope)
        return await self.status(transaction_id)

    async def evaluate(self, signed: SignedProposal, timeout_s: float = 10) -> Any:
        return (await self.gateway.Evaluate(self.evaluate_request(signed), timeout=timeout_s)).result

    @staticmethod
    def evaluate_request(signed: SignedProposal, *organisations: str) -> gateway_pb2.EvaluateRequest:
        return gateway_pb2.EvaluateRequest(proposed_transaction=signed.message, target_organizations=organisations)

    async def ask(self, *call: str) -> bytes:
        return bytes((await self.evaluate(self.member.propose(*call))).payload)

    async def query(self, *arguments: str | bytes) -> bytes:
        """A call of qscc."""
        return bytes((await self.evaluate(self.member.propose(*arguments, chaincode="qscc"))).payload)

    @asynccontextmanager
    async def events(self, **asked: Any) -> AsyncIterator[Any]:
        """A stream of chaincode events; `asked` are fields of the request."""
        request = gateway_pb2.ChaincodeEventsRequest(
            **{"channel_id": CHANNEL, "chaincode_id": CHAINCODE, "identity": self.member.creator} | asked
        ).SerializeToString()
        signed = gateway_pb2.SignedChaincodeEventsRequest(request=request, signature=self.member.signer.sign(request))
        call = self.gateway.ChaincodeEvents(signed)
        try:
            yield call
        finally:
            call.cancel()

    async def process(self, signed: SignedProposal) -> Any:
        """The answer of the peer's own endorser service."""
        return await peer_pb2_grpc.EndorserStub(self.channel).ProcessProposal(signed.message, timeout=10)

    @asynccontextmanager
    async def stream(
        self, start: ab_pb2.SeekPosition, stop: ab_pb2.SeekPosition = FOREVER, *, whole: bool = False
    ) -> AsyncIterator[Stream]:
        call = self.streams.Deliver() if whole else self.streams.DeliverFiltered()
        stream = Stream(call)
        await stream.send(self.member.seek(start, stop))
        try:
            yield stream
        finally:
            call.cancel()


class Stream:
    """An open stream of blocks."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, seek: common_pb2.Envelope) -> None:
        await self._call.write(seek)

    async def next(self) -> events_pb2.DeliverResponse:
        return await asyncio.wait_for(self._call.read(), 10)

    async def block(self) -> events_pb2.FilteredBlock:
        return (await self.next()).filtered_block

    async def status(self) -> str:
        return str(common_pb2.Status.Name((await self.next()).status))

    async def has_ended(self) -> bool:
        return await self.next() is grpc.aio.EOF


@dataclass
class Running:
    """A simulator that runs, and the client of its first identity."""

    simulator: Simulator
    chaincode: Notes
    client: Client

    def as_member(self, member: Member) -> Client:
        return Client(self.client.channel, member)

    def put(self, kind: str, **fields: object) -> int:
        """Put a fault into force; its number."""
        return self.simulator.add_fault(read_fault({"kind": kind} | fields)).number

    def lift(self, number: int) -> None:
        """Take a fault out of force."""
        assert self.simulator.faults.remove(number)


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[Running]:
    config = SimulatorConfig(
        state=folder / "state",
        wallet=folder / "wallet",
        identities=(
            IdentityConfig(name="org1-admin", role="gx_admin"),
            IdentityConfig(name="org2-auditor", role="gx_auditor", msp_id="Org2MSP"),
        ),
        block_interval_s=0.05,
    )
    chaincode = Notes()
    async with Simulator(replace(config, **changes), chaincode) as simulator:
        credentials = grpc.ssl_channel_credentials((folder / "wallet" / "tlsca-cert").read_bytes())
        async with grpc.aio.secure_channel(simulator.address, credentials, OPTIONS) as channel:
            client = Client(channel, Member.of_wallet(folder / "wallet", "org1-admin"))
            yield Running(simulator, chaincode, client)
