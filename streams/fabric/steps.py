"""The steps of one transaction: proposal, transaction, commit; each one is the only way to the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import grpc

from streams.chaincode.state import COMMAND_ID
from streams.errors import CommitRejected, CommitUnknown, DuplicateTransaction, EndorseFailed, LedgerError
from streams.fabric import ids
from streams.fabric.codes import FailureCode
from streams.fabric.commits import Commits, Expectation, Sighting
from streams.fabric.envelopes import content, endorsed_payload
from streams.fabric.failures import failure_of
from streams.fabric.gateways import Gateways, Method
from streams.fabric.look_up import look_up
from streams.fabric.proposals import endorse_request, signed_proposal, submit_request
from streams.fabric.queries import Queries
from streams.fabric.rotation import Credentials
from streams.fabric.translation import Step, endorse_error, not_text, submit_error
from streams.fabric.wallet import Identity
from streams.ledger import VALID, Committed, LedgerEntry
from streams.messages import RoutedCommand
from streams.settings import FabricSettings

E = TypeVar("E", bound=LedgerError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What every step of one process shares; `unrecognised` counts the failures that the table does not know."""

    settings: FabricSettings
    gateways: Gateways
    queries: Queries
    commits: Commits
    start: Callable[[], None]
    now: Callable[[], datetime]
    unrecognised: Counter[Step]

    async def look_up(self, transaction_id: str, *, is_proof_wanted: bool = True) -> LedgerEntry | None:
        """What the ledger holds under this id now; None: nothing (yet). Raises CommitUnknown."""
        channel = self.settings.channel
        try:
            return await look_up(self.queries, channel, transaction_id, is_proof_wanted=is_proof_wanted)
        except CommitUnknown as unknown:
            raise self.counted(unknown, Step.LOOK_UP) from unknown.__cause__

    def counted(self, error: E, step: Step) -> E:
        """The error; counted if no row of the table knew the answer."""
        if error.code == FailureCode.UNRECOGNISED:
            self.unrecognised[step] += 1
        return error


class GatewayProposal:
    """`streams.ledger.Proposal`: signer and id are fixed; the rest is built and signed when it is sent."""

    def __init__(
        self,
        session: Session,
        credentials: Credentials,
        command: RoutedCommand,
        nonce: bytes,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._identity = identity = credentials.identity
        self._command = command
        self._nonce = nonce
        self.transaction_id = ids.transaction_id(nonce, identity.creator)
        # A service may date its row in the future; it was captured before anybody could submit it.
        others = credentials.other_creators(min(command.created_at, command.captured_at))
        self.earlier_ids = tuple(ids.transaction_id(nonce, creator) for creator in others)

    async def endorse(self) -> GatewayTransaction:
        """Ask the organisations. Raises EndorseFailed, DuplicateTransaction or AlreadyApplied."""
        session, settings = self._session, self._session.settings
        session.start()
        self._require_usable_certificate()
        try:
            answer = await session.gateways.call(Method.ENDORSE, self._request(), settings.endorse_timeout_s)
        except grpc.aio.AioRpcError as error:
            failed = endorse_error(
                failure_of(error),
                self.transaction_id,
                asked=settings.endorsing_orgs,
                command_id=self._command.command_id,
            )
            raise session.counted(failed, Step.ENDORSE) from error
        return GatewayTransaction(session, self._identity, self.transaction_id, endorsed_payload(answer))

    def _require_usable_certificate(self) -> None:
        """Whoever signs with a newer one would not look for this command under this one. Raises EndorseFailed."""
        until = self._credentials.signs_until(self._identity)
        if until is not None and self._command.created_at >= until:
            raise EndorseFailed(
                f"the wallet holds another certificate of {self._identity.name}, which was refused; the one in use"
                f" signs no command created after {until:%Y-%m-%d %H:%M:%S} UTC",
                code=FailureCode.IDENTITY_EXPIRED,
                transaction_id=self.transaction_id,
                refused=False,
            )

    def _request(self) -> bytes:
        command, settings = self._command, self._session.settings
        try:
            proposal = signed_proposal(
                self._identity,
                channel=settings.channel,
                chaincode=settings.chaincode,
                arguments=(command.transaction_name, *command.arguments),
                nonce=self._nonce,
                transient={COMMAND_ID: command.command_id.encode()},
                at=self._session.now(),
            )
        except UnicodeEncodeError as error:
            raise not_text(error, self.transaction_id) from error
        return endorse_request(self.transaction_id, settings.channel, proposal, settings.endorsing_orgs)


class GatewayTransaction:
    """`streams.ledger.Transaction`: one envelope; submitting it again sends the same bytes, to whichever gateway."""

    def __init__(self, session: Session, identity: Identity, transaction_id: str, payload: bytes) -> None:
        self._session = session
        self.transaction_id = transaction_id
        self._payload = payload
        self._request = submit_request(transaction_id, session.settings.channel, payload, identity.sign(payload))
        # Before Submit, and kept over repeated ones: the block may come before the answer.
        self._expectation = session.commits.expect(transaction_id)

    @property
    def result(self) -> bytes:
        """The chaincode's answer."""
        return content(self._payload).result

    async def submit(self) -> GatewayCommit:
        """Hand the envelope to the orderer, unless that could change nothing any more. Raises SubmitFailed."""
        session = self._session
        # What is in a block before this Submit may be another envelope of the id.
        is_first = not self._expectation.is_seen
        try:
            if not self._expectation.is_repeated:
                await session.gateways.call(Method.SUBMIT, self._request, session.settings.submit_timeout_s)
        except grpc.aio.AioRpcError as error:
            failed = submit_error(failure_of(error), self.transaction_id)
            raise session.counted(failed, Step.SUBMIT) from error
        return GatewayCommit(session, self.transaction_id, self._payload, self._expectation, is_first=is_first)


class GatewayCommit:
    """`streams.ledger.Commit`: taken by the orderer, which does not yet mean that it will be in a block."""

    def __init__(
        self, session: Session, transaction_id: str, payload: bytes, expectation: Expectation, *, is_first: bool
    ) -> None:
        self._session = session
        self.transaction_id = transaction_id
        self._payload = payload
        self._expectation = expectation
        self._is_first = is_first

    async def status(self) -> Committed:
        """Wait for the block, at most `commit_timeout_s`; then look it up once more.

        Raises CommitRejected, CommitUnknown, or DuplicateTransaction if the id was committed with other arguments.
        """
        timeout_s = self._session.settings.commit_timeout_s
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            try:
                # Only the wait is cut off: a cancelled gRPC call may end with an error that looks like an answer.
                sighting = await self._expectation.news(deadline)
            except TimeoutError:
                break
            if sighting is not None and self._is_own(sighting):
                return self._decide(sighting.code, sighting.block_number, sighting.seen_at)
            if sighting is not None:
                break
            with contextlib.suppress(CommitUnknown):  # the stream may tell yet
                if (found := await self._looked_up(is_proof_wanted=self._expectation.is_repeated)) is not None:
                    return found
        if (found := await self._looked_up()) is not None:
            return found
        message = f"in no block after {timeout_s:g} s; it may still come"
        raise CommitUnknown(message, code=FailureCode.NOT_IN_A_BLOCK, transaction_id=self.transaction_id)

    def _is_own(self, sighting: Sighting) -> bool:
        """A block names ids, not envelopes; that another one of the id became VALID is excluded only so far."""
        return sighting.code != VALID or (self._is_first and not self._expectation.has_several)

    async def _looked_up(self, *, is_proof_wanted: bool = True) -> Committed | None:
        entry = await self._session.look_up(self.transaction_id, is_proof_wanted=is_proof_wanted)
        if entry is not None and entry.code == VALID and entry.arguments != content(self._payload).arguments:
            raise DuplicateTransaction(
                f"block {entry.block_number} holds it with other arguments",
                code=FailureCode.DUPLICATE_TRANSACTION,
                transaction_id=self.transaction_id,
            )
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
