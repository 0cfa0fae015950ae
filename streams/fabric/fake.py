"""A ledger in memory that keeps the port's contract, for tests of what stands on the port.

It knows no wire and no keys, so it is fast; what a peer answers, byte for byte, is the simulator's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.chaincode.state import COMMAND_ID, ChaincodeRefused
from streams.errors import CommitRejected, CommitUnknown, DuplicateTransaction, EndorseFailed, LedgerError, SubmitFailed
from streams.fabric import ids
from streams.fabric.codes import FailureCode
from streams.fabric.failures import chaincode_failure
from streams.fabric.fake_network import Endorsed, FakeNetwork
from streams.fabric.translation import endorse_error, not_text
from streams.ledger import VALID, Committed, LedgerEntry
from streams.messages import RoutedCommand

_SECRET = b"of a ledger that forgets everything"
_DOWN = "the ledger is down"


class FakeLedger:
    """`streams.ledger.Ledger` for one identity of a FakeNetwork, with a certificate that can be renewed."""

    def __init__(self, network: FakeNetwork, identity: str) -> None:
        self.network = network
        self.identity = identity
        self.certificate = 0
        self.renewed_at: datetime | None = None

    def renew(self) -> None:
        """Sign with another certificate from now on."""
        self.certificate, self.renewed_at = self.certificate + 1, self.network.now()

    def propose(self, command: RoutedCommand, attempt: int) -> FakeProposal:
        """The proposal of this attempt: the same transaction id every time."""
        nonce = ids.nonce(
            _SECRET,
            channel="fake",
            chaincode="fake",
            command_id=command.command_id,
            revision=command.revision,
            attempt=attempt,
        )
        return FakeProposal(
            network=self.network,
            identity=self.identity,
            command=command,
            transaction_id=ids.transaction_id(nonce, self._creator(self.certificate)),
            earlier_ids=tuple(
                ids.transaction_id(nonce, self._creator(earlier))
                for earlier in range(self.certificate)
                if self.renewed_at is not None and command.created_at < self.renewed_at
            ),
        )

    def _creator(self, certificate: int) -> bytes:
        return f"{self.identity} {certificate}".encode()

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        """What the ledger holds under this id now. Raises CommitUnknown while the network is down."""
        if self.network.faults.is_down:
            raise CommitUnknown(_DOWN, code=FailureCode.PEER_UNAVAILABLE, transaction_id=transaction_id)
        return self.network.entries.get(transaction_id)

    async def evaluate(self, function: str, arguments: Sequence[str]) -> bytes:
        """The chaincode's answer, without a transaction. Raises EndorseFailed."""
        try:
            return self.network.simulate(self.identity, "", (function, *arguments), {}).result
        except ChaincodeRefused as refusal:
            raise _refused(refusal, "") from refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeProposal:
    """`streams.ledger.Proposal`."""

    network: FakeNetwork
    identity: str
    command: RoutedCommand
    transaction_id: str
    earlier_ids: tuple[str, ...]

    async def endorse(self) -> FakeTransaction:
        """Run the chaincode. Raises EndorseFailed, DuplicateTransaction or AlreadyApplied."""
        if self.network.faults.is_down:
            code = FailureCode.PEER_UNAVAILABLE
            raise EndorseFailed(_DOWN, code=code, transaction_id=self.transaction_id, refused=False)
        if self.transaction_id in self.network.entries:
            message = f"transaction {self.transaction_id} is on the ledger already"
            code = FailureCode.DUPLICATE_TRANSACTION
            raise DuplicateTransaction(message, code=code, transaction_id=self.transaction_id)
        arguments = (self.command.transaction_name, *self.command.arguments)
        try:
            "".join(arguments).encode()
        except UnicodeEncodeError as error:
            raise not_text(error, self.transaction_id) from error
        transient = {COMMAND_ID: self.command.command_id.encode()}
        try:
            endorsed = self.network.simulate(self.identity, self.transaction_id, arguments, transient)
        except ChaincodeRefused as refusal:
            raise _refused(refusal, self.transaction_id, self.command.command_id) from refusal
        return FakeTransaction(
            network=self.network, endorsed=endorsed, transaction_id=self.transaction_id, result=endorsed.result
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeTransaction:
    """`streams.ledger.Transaction`."""

    network: FakeNetwork
    endorsed: Endorsed
    transaction_id: str
    result: bytes

    async def submit(self) -> FakeCommit:
        """Hand it to the next block. Raises SubmitFailed."""
        faults = self.network.faults
        if faults.is_down:
            code = FailureCode.PEER_UNAVAILABLE
            raise SubmitFailed(_DOWN, code=code, transaction_id=self.transaction_id, may_be_on_ledger=False)
        if not faults.loses_envelopes:
            self.network.order(self.endorsed)
        if faults.loses_answers:
            code = FailureCode.TIMEOUT
            raise SubmitFailed("no answer", code=code, transaction_id=self.transaction_id, may_be_on_ledger=True)
        arguments = self.endorsed.arguments
        return FakeCommit(network=self.network, transaction_id=self.transaction_id, arguments=arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCommit:
    """`streams.ledger.Commit`."""

    network: FakeNetwork
    transaction_id: str
    arguments: tuple[str, ...]

    async def status(self) -> Committed:
        """Wait for the block. Raises CommitRejected, CommitUnknown or DuplicateTransaction."""
        try:
            entry = await self.network.wait_for(self.transaction_id)
        except TimeoutError:
            code = FailureCode.NOT_IN_A_BLOCK
            raise CommitUnknown("in no block", code=code, transaction_id=self.transaction_id) from None
        if entry.code != VALID:
            raise CommitRejected(
                f"block {entry.block_number} holds it as {entry.code}",
                code=entry.code,
                transaction_id=self.transaction_id,
                block_number=entry.block_number,
            )
        if entry.arguments != self.arguments:
            message = f"block {entry.block_number} holds it with other arguments"
            code = FailureCode.DUPLICATE_TRANSACTION
            raise DuplicateTransaction(message, code=code, transaction_id=self.transaction_id)
        return Committed(
            transaction_id=self.transaction_id, block_number=entry.block_number, seen_at=self.network.now()
        )


def _refused(refusal: ChaincodeRefused, transaction_id: str, command_id: str | None = None) -> LedgerError:
    """The same way through the table as a peer's answer."""
    return endorse_error(chaincode_failure(refusal.status, refusal.message), transaction_id, command_id=command_id)
