"""The ledger for one identity, over one gateway peer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import grpc
from fabric_protos.gateway import gateway_pb2_grpc

from streams.fabric import ids
from streams.fabric.block_stream import BlockStream
from streams.fabric.commits import Commits
from streams.fabric.connection import open_channel
from streams.fabric.envelopes import BlockEntry, entries
from streams.fabric.failures import failure_of
from streams.fabric.look_up import look_up
from streams.fabric.proposals import seek_envelope
from streams.fabric.queries import Queries
from streams.fabric.steps import GatewayProposal, Session
from streams.fabric.translation import Step, endorse_error
from streams.fabric.wallet import Identity, load_identity
from streams.ledger import LedgerEntry
from streams.messages import RoutedCommand
from streams.settings import FabricSettings


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def _nothing(_: str) -> None:
    """Nobody is told."""


@contextlib.asynccontextmanager
async def connect(
    settings: FabricSettings,
    identity_name: str,
    *,
    now: Callable[[], datetime] = utc_now,
    on_interruption: Callable[[str], None] = _nothing,
) -> AsyncIterator[Gateway]:
    """The ledger for one identity of the wallet; `on_interruption` is told why the stream of blocks broke off.

    Needs no gateway that answers: calls fail until it does. Raises CredentialsInvalid.
    """
    identity = load_identity(settings.wallet, identity_name, settings.msp_id, now=now())
    secret = ids.load_secret(settings.nonce_secret_file)
    async with open_channel(settings) as channel:
        gateway = Gateway(channel, identity, secret, settings, now=now, on_interruption=on_interruption)
        try:
            yield gateway
        finally:
            await gateway.stop()


class Gateway:
    """`streams.ledger.Ledger` for one identity, plus what tools ask.

    `blocks` is the stream that commits are read from; it starts with the first endorsement, or with `start()`.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        identity: Identity,
        secret: bytes,
        settings: FabricSettings,
        *,
        now: Callable[[], datetime],
        on_interruption: Callable[[str], None],
    ) -> None:
        commits = Commits(now)
        self.identity = identity
        self.blocks = BlockStream(
            channel, lambda first: seek_envelope(identity, settings.channel, first, now()), commits, on_interruption
        )
        self._secret = secret
        self._session = Session(
            identity=identity,
            settings=settings,
            stub=gateway_pb2_grpc.GatewayStub(channel),
            queries=Queries(channel, identity, settings, now),
            commits=commits,
            follow_blocks=self.start,
            now=now,
        )
        self._following: asyncio.Task[None] | None = None

    def propose(self, command: RoutedCommand, attempt: int) -> GatewayProposal:
        """The proposal of this attempt: the same transaction id every time."""
        nonce = ids.nonce(
            self._secret,
            channel=self._session.settings.channel,
            chaincode=self._session.settings.chaincode,
            command_id=command.command_id,
            revision=command.revision,
            attempt=attempt,
        )
        return GatewayProposal(self._session, command, nonce)

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        """What the ledger holds under this id now; None: nothing (yet). Raises CommitUnknown."""
        return await look_up(self._session.queries, self._session.settings.channel, transaction_id)

    async def evaluate(self, function: str, arguments: Sequence[str]) -> bytes:
        """The answer of the chaincode to `contract:function`, without a transaction. Raises EndorseFailed."""
        try:
            return await self._session.queries.evaluate(self._session.settings.chaincode, (function, *arguments))
        except grpc.aio.AioRpcError as error:
            raise endorse_error(failure_of(error), "", Step.EVALUATE) from error

    async def height(self) -> int:
        """How many blocks the channel has; proves that the gateway accepts this identity. Raises EndorseFailed."""
        try:
            return await self._session.queries.height()
        except grpc.aio.AioRpcError as error:
            raise endorse_error(failure_of(error), "", Step.EVALUATE) from error

    async def block(self, number: int) -> list[BlockEntry]:
        """The transactions of a block, valid or not, in order. Raises EndorseFailed."""
        try:
            return entries(await self._session.queries.block(number))[1]
        except grpc.aio.AioRpcError as error:
            raise endorse_error(failure_of(error), "", Step.EVALUATE) from error

    def start(self) -> None:
        """Follow the blocks from now on; does nothing the second time."""
        if self._following is None:
            self._following = asyncio.create_task(self.blocks.run(), name="blocks")

    async def stop(self) -> None:
        """Follow the blocks no longer."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None
