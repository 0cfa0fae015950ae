"""One member at the gateway of a network with the reference chaincode, by the bare protocol.

What is said is compared without the addresses of the peers, which are those of the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import grpc
import pytest
from fabric_protos.common import common_pb2
from gateway_contract import clients
from running_simulator import PARTNER
from simulator_answers import M_COL, M_END, M_EVAL, MSP1, MSP2, codes_of, failure
from simulator_client import OPTIONS, Client, Stream
from simulator_member import Member

from streams.chaincode.roles import ROLE_ATTRIBUTE
from streams.settings import FabricSettings
from streams.simulator.certificates import Authority

Said = tuple[str, str, list[tuple[str, str]] | None]
"""Code, message, and (MSP id, text) of each detail."""


async def said(call: Awaitable[object]) -> Said:
    """What a call says that must fail."""
    found = await failure(call)
    details = None if found.details is None else [(msp_id, text) for _, msp_id, text in found.details]
    return found.code, found.message, details


def refused_by_own(text: str) -> Said:
    return "ABORTED", M_END, [(MSP1, text)]


def refused_by_other(text: str) -> Said:
    return "ABORTED", M_COL, [(MSP2, text)]


def refused_by_remote(text: str) -> Said:
    """The other peer did not come to the chaincode."""
    return refused_by_other(f"rpc error: code = Unknown desc = {text}")


def not_evaluated(text: str, code: str = "FAILED_PRECONDITION") -> Said:
    return code, M_EVAL + text, [(MSP1, text)]


def create_user(user_id: str | None = None) -> tuple[str, ...]:
    """Every such call reads and writes one counter: two of them in flight conflict."""
    return ("IdentityContract:CreateUser", user_id or new_id(), "ab" * 32, "MY", "30")


def new_id() -> str:
    return f"MY-{uuid4().hex}"


@dataclass(frozen=True, kw_only=True)
class Wire:
    """The network as `client` sees it; `authorities` sign the certificates of its organisations."""

    client: Client
    authorities: Mapping[str, Authority]

    def issued(self, msp_id: str = MSP1, **dates: datetime) -> Client:
        """A client with a new certificate, valid as long as its issuer unless told."""
        authority = self.authorities[msp_id]
        issuer = authority.certificate
        dates = {"not_before": issuer.not_valid_before_utc, "not_after": issuer.not_valid_after_utc} | dates
        credential = authority.issue("issued", "client", attributes={ROLE_ATTRIBUTE: PARTNER.role}, **dates)
        return self.as_member(Member(msp_id, credential))

    def as_member(self, member: Member) -> Client:
        return Client(self.client.channel, member)

    async def endorsed(
        self, *call: str, organisations: Sequence[str] = (), nonce: bytes | None = None, by: Client | None = None
    ) -> tuple[str, common_pb2.Envelope]:
        """(id, signed envelope); tried again while a peer lags behind the other one, and they disagree."""
        client = by or self.client
        async with asyncio.timeout(30):
            while True:
                try:
                    return await client.endorsed(*call, organisations=organisations, nonce=nonce)
                except grpc.aio.AioRpcError as error:
                    if "ProposalResponsePayloads do not match" not in str(error.trailing_metadata()):
                        raise
                    await asyncio.sleep(0.05)

    async def committed(self, *call: str, by: Client | None = None) -> tuple[str, int]:
        """(id, block) of a call that is carried out."""
        transaction_id, envelope = await self.endorsed(*call, by=by)
        await self.client.submit(envelope)
        code, number = await self.client.status(transaction_id)
        assert code == "VALID"
        return transaction_id, number

    async def new_user(self) -> str:
        user_id = new_id()
        await self.committed(*create_user(user_id))
        return user_id

    async def exists(self, user_id: str) -> bool:
        try:
            await self.client.ask("IdentityContract:GetUser", user_id)
        except grpc.aio.AioRpcError as error:
            if f"the user {user_id} does not exist" not in str(error.details()):
                raise
            return False
        return True


async def entries(stream: Stream, transaction_id: str, count: int) -> list[tuple[int, str]]:
    """(block, code) of the first `count` entries of an id."""
    found: list[tuple[int, str]] = []
    while len(found) < count:
        block = await stream.block()
        found += [(block.number, code) for entry_id, code in codes_of(block) if entry_id == transaction_id]
    return found


@asynccontextmanager
async def wired(settings: FabricSettings, authorities: Mapping[str, Authority]) -> AsyncIterator[Wire]:
    async with clients(settings):
        pass  # a running system
    credentials = grpc.ssl_channel_credentials(settings.tls_ca_file.read_bytes())
    async with grpc.aio.secure_channel(settings.gateway, credentials, OPTIONS) as channel:
        member = Member.of_wallet(settings.wallet, PARTNER.name, settings.msp_id)
        yield Wire(client=Client(channel, member), authorities=authorities)


class WireNetwork:
    """A test class gives the fixtures `settings` and `authorities` (MSP id -> Authority)."""

    @pytest.fixture
    async def wire(self, settings: FabricSettings, authorities: Mapping[str, Authority]) -> AsyncIterator[Wire]:
        async with wired(settings, authorities) as made:
            yield made
