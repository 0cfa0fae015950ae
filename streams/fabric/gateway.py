"""The ledger for one identity, over one or several gateway peers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import grpc

from streams.errors import LedgerError
from streams.fabric import ids
from streams.fabric.block_stream import BlockStream
from streams.fabric.commits import Commits
from streams.fabric.envelopes import BlockEntry, entries
from streams.fabric.failures import failure_of
from streams.fabric.following import follow
from streams.fabric.gateways import Gateways, open_gateways
from streams.fabric.height import follow_height
from streams.fabric.proposals import seek_envelope
from streams.fabric.queries import Queries
from streams.fabric.rotation import Credentials, Tell
from streams.fabric.steps import GatewayProposal, Session
from streams.fabric.translation import Step, endorse_error
from streams.fabric.wallet import Identity, load_identity
from streams.ledger import LedgerEntry
from streams.messages import RoutedCommand
from streams.settings import FabricSettings
from streams.telemetry import Event


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def _nothing(*_: object) -> None:
    """Nobody is told."""


@contextlib.asynccontextmanager
async def connect(
    settings: FabricSettings,
    identity_name: str,
    *,
    now: Callable[[], datetime] = utc_now,
    on_interruption: Callable[[str], None] = _nothing,
    tell: Tell = _nothing,
) -> AsyncIterator[Gateway]:
    """The ledger for one identity of the wallet.

    `on_interruption` is told why the stream of blocks broke off, `tell` of renewed certificates and changed gateways.
    Needs no gateway that answers: calls fail until one does. Raises CredentialsInvalid.
    """
    identity = load_identity(settings.wallet, identity_name, settings.msp_id, now=now())
    overlap = timedelta(seconds=settings.certificate_overlap_s)
    credentials = Credentials(settings.wallet, identity, now=now, tell=tell, overlap=overlap)
    secret = ids.load_secret(settings.nonce_secret_file)

    def changed(left: str, chosen: str, why: str) -> None:
        gateway.blocks.change_gateway()
        tell(Event.GATEWAY_CHANGED, f"{chosen} instead of {left}: {why}")

    gateways = open_gateways(settings, changed)
    gateway = Gateway(gateways, credentials, secret, settings, now=now, on_interruption=on_interruption)
    try:
        yield gateway
    finally:
        await gateway.stop()
        await gateways.close()


class Gateway:
    """`streams.ledger.Ledger` for one identity, plus what tools ask.

    `blocks` is the stream that commits are read from; it starts with the first endorsement, or with `start()`.
    `unrecognised` counts, by step, the failures with a text that was never seen before.
    """

    def __init__(
        self,
        gateways: Gateways,
        credentials: Credentials,
        secret: bytes,
        settings: FabricSettings,
        *,
        now: Callable[[], datetime],
        on_interruption: Callable[[str], None],
    ) -> None:
        commits = Commits(now)
        queries = Queries(gateways, lambda: self.identity, settings, now)
        self.gateways = gateways
        self.credentials = credentials
        self.blocks = BlockStream(
            gateways,
            lambda first: seek_envelope(self.identity, settings.channel, first, now()),
            commits,
            on_interruption,
        )
        self.unrecognised: Counter[Step] = Counter()
        self._secret = secret
        self._session = Session(
            settings=settings,
            gateways=gateways,
            queries=queries,
            commits=commits,
            start=self.start,
            now=now,
            unrecognised=self.unrecognised,
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def identity(self) -> Identity:
        """Who signs now."""
        return self.credentials.identity

    @property
    def waiting(self) -> int:
        """How many transactions are expected in a block."""
        return len(self._session.commits)

    def propose(self, command: RoutedCommand, attempt: int) -> GatewayProposal:
        """The proposal of this attempt: the same transaction id every time, as long as the certificate stays."""
        settings = self._session.settings
        nonce = ids.nonce(
            self._secret,
            channel=settings.channel,
            chaincode=settings.chaincode,
            command_id=command.command_id,
            revision=command.revision,
            attempt=attempt,
        )
        return GatewayProposal(self._session, self.credentials, command, nonce)

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        """What the ledger holds under this id now; None: nothing (yet), every gateway says. Raises CommitUnknown."""
        return await self._session.look_up(transaction_id)

    async def evaluate(self, function: str, arguments: Sequence[str]) -> bytes:
        """The answer of the chaincode to `contract:function`, without a transaction. Raises EndorseFailed."""
        try:
            return await self._session.queries.evaluate(self._session.settings.chaincode, (function, *arguments))
        except grpc.aio.AioRpcError as error:
            raise self._failed(error) from error

    async def height(self) -> int:
        """How many blocks the channel has; proves that the gateway accepts this identity. Raises EndorseFailed."""
        try:
            return await self._session.queries.height()
        except grpc.aio.AioRpcError as error:
            raise self._failed(error) from error

    async def block(self, number: int) -> list[BlockEntry]:
        """The transactions of a block, valid or not, in order. Raises EndorseFailed."""
        try:
            return entries(await self._session.queries.block(number))[1]
        except grpc.aio.AioRpcError as error:
            raise self._failed(error) from error

    def _failed(self, error: grpc.aio.AioRpcError) -> LedgerError:
        return self._session.counted(endorse_error(failure_of(error), "", Step.EVALUATE), Step.EVALUATE)

    def start(self) -> None:
        """Follow the blocks and the wallet from now on; does nothing the second time."""
        if not self._tasks:
            queries, gateways, blocks = self._session.queries, self.gateways, self.blocks
            self._tasks = [
                asyncio.create_task(follow("blocks", blocks.run)),
                asyncio.create_task(follow("height", lambda: follow_height(queries, gateways, blocks))),
                asyncio.create_task(follow("wallet", self.credentials.follow)),
            ]

    async def stop(self) -> None:
        """Follow nothing any longer."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
