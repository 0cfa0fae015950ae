"""A closed loop of bare gateway clients on one connection: endorse, sign, submit, hear of the commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2_grpc

from benchmarks.simulator_server import IDENTITY
from tests.simulator_member import Member, SignedProposal

CHANNEL = "gxchannel"
VALUE = "x" * 100
TIMEOUT_S = 60


@dataclass
class Load:
    """What was sent and what became of it."""

    channel: grpc.aio.Channel
    member: Member
    commit: str
    waiting: dict[str, asyncio.Future[int]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    async def run(self, transactions: int, in_flight: int) -> None:
        """Send this many. The proposals are signed before the clock starts, the transactions while it runs."""
        self._gateway = gateway_pb2_grpc.GatewayStub(self.channel)
        proposals = iter([self.member.propose("write", f"key-{n}", VALUE) for n in range(transactions)])
        async with self._following():
            await asyncio.gather(*(self._worker(proposals) for _ in range(in_flight)))

    async def _worker(self, proposals: Iterator[SignedProposal]) -> None:
        for proposal in proposals:
            started = time.monotonic()
            committed = asyncio.get_running_loop().create_future()
            self.waiting[proposal.transaction_id] = committed
            request = gateway_pb2.EndorseRequest(proposed_transaction=proposal.message)
            endorsed = await self._gateway.Endorse(request, timeout=TIMEOUT_S)
            envelope = self.member.sign(endorsed.prepared_transaction)
            submit = gateway_pb2.SubmitRequest(channel_id=CHANNEL, prepared_transaction=envelope)
            await self._gateway.Submit(submit, timeout=TIMEOUT_S)
            if self.commit == "status":
                asked = self.member.ask_status(proposal.transaction_id)
                code = (await self._gateway.CommitStatus(asked, timeout=TIMEOUT_S)).result
            else:
                code = await committed
            self.codes[proposal.transaction_id] = code
            self.latencies_s.append(time.monotonic() - started)

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        if self.commit == "status":
            yield
            return
        call = events_pb2_grpc.DeliverStub(self.channel).DeliverFiltered()
        await call.write(self.member.seek(ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())))
        follower = asyncio.create_task(self._follow(call))
        try:
            yield
        finally:
            follower.cancel()
            call.cancel()

    async def _follow(self, call: Any) -> None:
        while (response := await call.read()) is not grpc.aio.EOF:
            if not response.HasField("filtered_block"):
                raise RuntimeError(f"the stream ended: {common_pb2.Status.Name(response.status)}")
            for entry in response.filtered_block.filtered_transactions:
                committed = self.waiting.pop(entry.txid, None)
                if committed is not None:
                    committed.set_result(entry.tx_validation_code)


async def load(folder: Path, address: str, transactions: int, in_flight: int, commit: str) -> tuple[Load, float]:
    """The load carried out, and how many seconds it took."""
    credentials = grpc.ssl_channel_credentials((folder / "wallet" / "tlsca-cert").read_bytes())
    async with grpc.aio.secure_channel(address, credentials) as channel:
        await channel.channel_ready()
        carried_out = Load(channel=channel, member=Member.of_wallet(folder / "wallet", IDENTITY), commit=commit)
        started = time.monotonic()
        await carried_out.run(transactions, in_flight)
        return carried_out, time.monotonic() - started
