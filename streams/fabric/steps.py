"""The steps of one transaction: proposal, transaction, commit; each one is the only way to the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2

from streams.errors import CommitRejected, CommitUnknown
from streams.fabric import ids
from streams.fabric.codes import FailureCode
from streams.fabric.commits import Commits, Expectation
from streams.fabric.envelopes import content
from streams.fabric.failures import failure_of
from streams.fabric.look_up import look_up
from streams.fabric.proposals import signed_proposal
from streams.fabric.queries import Queries
from streams.fabric.translation import endorse_error, submit_error
from streams.fabric.wallet import Identity
from streams.ledger import VALID, Committed
from streams.messages import RoutedCommand
from streams.settings import FabricSettings

COMMAND_ID = "command_id"
"""Key of the transient map under which a chaincode may find its idempotency key. It is never ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What every step of one identity shares. `stub` is the `GatewayStub`, a class that gRPC makes."""

    identity: Identity
    settings: FabricSettings
    stub: Any
    queries: Queries
    commits: Commits
    follow_blocks: Callable[[], None]
    now: Callable[[], datetime]


class GatewayProposal:
    """`streams.ledger.Proposal`: the id is fixed; the rest is built and signed when it is sent."""

    def __init__(self, session: Session, command: RoutedCommand, nonce: bytes) -> None:
        self._session = session
        self._command = command
        self._nonce = nonce
        self.transaction_id = ids.transaction_id(nonce, session.identity.creator)

    async def endorse(self) -> GatewayTransaction:
        """Ask the organisations. Raises EndorseFailed, DuplicateTransaction or AlreadyApplied."""
        session, settings = self._session, self._session.settings
        session.follow_blocks()
        request = gateway_pb2.EndorseRequest(
            transaction_id=self.transaction_id,
            channel_id=settings.channel,
            proposed_transaction=signed_proposal(
                session.identity,
                channel=settings.channel,
                chaincode=settings.chaincode,
                arguments=(self._command.transaction_name, *self._command.arguments),
                nonce=self._nonce,
                transient={COMMAND_ID: self._command.command_id.encode()},
                at=session.now(),
            ),
            endorsing_organizations=settings.endorsing_orgs,
        )
        try:
            response = await session.stub.Endorse(request, timeout=settings.endorse_timeout_s)
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            raise endorse_error(failure, self.transaction_id, asked=settings.endorsing_orgs) from error
        return GatewayTransaction(session, self.transaction_id, response.prepared_transaction.payload)


class GatewayTransaction:
    """`streams.ledger.Transaction`: one envelope; submitting it again sends the same bytes."""

    def __init__(self, session: Session, transaction_id: str, payload: bytes) -> None:
        self._session = session
        self.transaction_id = transaction_id
        self.result = content(payload).result
        self._request = gateway_pb2.SubmitRequest(
            transaction_id=transaction_id,
            channel_id=session.settings.channel,
            prepared_transaction=common_pb2.Envelope(payload=payload, signature=session.identity.sign(payload)),
        )
        # Before Submit, and kept over repeated ones: the block may come before the answer.
        self._expectation = session.commits.expect(transaction_id)

    async def submit(self) -> GatewayCommit:
        """Hand the envelope to the orderer. Raises SubmitFailed."""
        try:
            await self._session.stub.Submit(self._request, timeout=self._session.settings.submit_timeout_s)
        except grpc.aio.AioRpcError as error:
            raise submit_error(failure_of(error), self.transaction_id) from error
        return GatewayCommit(self._session, self.transaction_id, self._expectation)


class GatewayCommit:
    """`streams.ledger.Commit`: taken by the orderer, which does not yet mean that it will be in a block."""

    def __init__(self, session: Session, transaction_id: str, expectation: Expectation) -> None:
        self._session = session
        self.transaction_id = transaction_id
        self._expectation = expectation

    async def status(self) -> Committed:
        """Wait for the block, at most `commit_timeout_s`; then look it up once more.

        Raises CommitRejected or CommitUnknown.
        """
        timeout_s = self._session.settings.commit_timeout_s
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            try:
                # Only the wait is cut off: a cancelled gRPC call may end with an error that looks like an answer.
                async with asyncio.timeout_at(deadline):
                    sighting = await self._expectation.news()
            except TimeoutError:
                break
            if sighting is not None:
                return self._decide(sighting.code, sighting.block_number, sighting.seen_at)
            with contextlib.suppress(CommitUnknown):  # the stream may tell yet
                if (found := await self._looked_up()) is not None:
                    return found
        if (found := await self._looked_up()) is not None:
            return found
        message = f"in no block after {timeout_s:g} s; it may still come"
        raise CommitUnknown(message, code=FailureCode.NOT_IN_A_BLOCK, transaction_id=self.transaction_id)

    async def _looked_up(self) -> Committed | None:
        entry = await look_up(self._session.queries, self._session.settings.channel, self.transaction_id)
        return None if entry is None else self._decide(entry.code, entry.block_number, self._session.now())

    def _decide(self, code: str, block_number: int, seen_at: datetime) -> Committed:
        if code == VALID:
            return Committed(transaction_id=self.transaction_id, block_number=block_number, seen_at=seen_at)
        raise CommitRejected(
            f"block {block_number} holds it as {code}",
            code=code,
            transaction_id=self.transaction_id,
            block_number=block_number,
        )
