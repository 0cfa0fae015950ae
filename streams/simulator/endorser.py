"""What a peer does with a proposal: check it, call the chaincode, sign what it read and wrote.

The peers of both organisations share one world state, so they simulate once and sign each for itself.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2

from streams.chaincode.state import ChaincodeRefused, State
from streams.simulator import peer_refusals
from streams.simulator.identities import WRITERS, Identity, Membership, Signer, UnknownIdentity
from streams.simulator.ledger import Ledger
from streams.simulator.proposals import Proposal, transaction_id
from streams.simulator.refusals import PeerRefused
from streams.simulator.simulation import Simulation

log = logging.getLogger(__name__)

_PROPOSAL_TYPES = (common_pb2.HeaderType.ENDORSER_TRANSACTION, common_pb2.HeaderType.CONFIG)
_CHAINCODE_VERSION = "1.0"


class Chaincode(Protocol):
    """A chaincode as a peer calls it.

    One that answers with an awaitable runs beside other calls; `streams.chaincode.reference` answers at once.
    Raises ChaincodeRefused.
    """

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes | Awaitable[bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What the chaincode answered, and the ProposalResponsePayload to be signed."""

    status: int
    message: str
    payload: bytes
    response_payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer as the gateway sees it."""

    msp_id: str
    address: str
    signer: Signer

    def endorse(self, response_payload: bytes) -> proposal_response_pb2.Endorsement:
        """Its signature over the payload and itself (core/handlers/endorsement/builtin)."""
        endorser = self.signer.serialized
        return proposal_response_pb2.Endorsement(
            endorser=endorser, signature=self.signer.sign(response_payload, endorser)
        )


class Endorser:
    """Checks and simulates proposals for one chaincode on one channel."""

    def __init__(
        self,
        membership: Membership,
        ledger: Ledger,
        chaincode_name: str,
        chaincode: Chaincode,
        timeout_s: float | None = None,
    ) -> None:
        self._membership = membership
        self._ledger = ledger
        self._chaincode_name = chaincode_name
        self._chaincode = chaincode
        self._timeout_s = timeout_s
        self._simulating: set[str] = set()
        self._checked: tuple[Proposal, int, Identity] | None = None

    def check(self, proposal: Proposal) -> Identity:
        """The verified creator. Raises PeerRefused.

        The peers look one after the other; what one has found, the next one need not find again until a block comes.
        """
        if self._checked is not None:
            seen, height, creator = self._checked
            if seen is proposal and height == self._ledger.height:
                return creator
        creator = self._check(proposal)
        self._checked = proposal, self._ledger.height, creator
        return creator

    def _check(self, proposal: Proposal) -> Identity:
        """In the order of core/endorser/msgvalidation.go."""
        if proposal.header_type not in _PROPOSAL_TYPES:
            raise peer_refusals.invalid_proposal(f"invalid header type {_type_name(proposal.header_type)}")
        if proposal.epoch:
            raise peer_refusals.invalid_proposal("epoch is non-zero")
        if not proposal.nonce:
            raise peer_refusals.invalid_proposal("nonce is empty")
        if not proposal.creator:
            raise peer_refusals.invalid_proposal("creator is empty")
        expected = transaction_id(proposal.nonce, proposal.creator)
        if proposal.transaction_id != expected:
            raise peer_refusals.wrong_transaction_id(proposal.transaction_id, expected)
        if not proposal.signature:
            raise peer_refusals.invalid_proposal("empty signature bytes")
        creator = self._creator(proposal)
        if self._ledger.first_entry(expected) is not None:
            raise peer_refusals.duplicate_transaction(expected, proposal.creator)
        return creator

    async def simulate(self, proposal: Proposal, creator: Identity) -> Simulated:
        """Call the chaincode. Raises PeerRefused when it says no, or when the id is being simulated already."""
        if proposal.transaction_id in self._simulating:
            raise peer_refusals.already_simulating(proposal.transaction_id, proposal.channel)
        simulation = Simulation(self._ledger.world, proposal, creator)
        try:
            answer = self._call(proposal, simulation)
            payload = await self._answer(proposal, answer) if inspect.isawaitable(answer) else answer
        except ChaincodeRefused as refusal:
            if refusal.status >= 400:
                raise peer_refusals.chaincode_answered(refusal.status, refusal.message) from refusal
            return simulated(proposal, simulation.results(), simulation.event(), refusal.status, refusal.message, b"")
        except PeerRefused:
            raise
        except Exception as error:
            log.exception("the chaincode broke off in transaction %s", proposal.transaction_id)
            raise peer_refusals.chaincode_died(proposal.transaction_id) from error
        return simulated(proposal, simulation.results(), simulation.event(), 200, "", payload)

    def _creator(self, proposal: Proposal) -> Identity:
        try:
            creator = self._membership.identify(proposal.creator)
        except UnknownIdentity as error:
            raise peer_refusals.malformed_creator(proposal.channel) from error
        signed = self._membership.verify(creator, proposal.signature, proposal.signed)
        if not signed or creator.unit not in WRITERS:
            raise peer_refusals.bad_proposal_signature(proposal.channel, creator.msp_id)
        return creator

    def _call(self, proposal: Proposal, simulation: Simulation) -> bytes | Awaitable[bytes]:
        function, *arguments = [argument.decode(errors="replace") for argument in proposal.arguments] or [""]
        return self._chaincode.invoke(function, arguments, simulation)

    async def _answer(self, proposal: Proposal, answer: Awaitable[bytes]) -> bytes:
        """The id stays taken until the chaincode answers, also when the client has gone or the peer lost patience."""
        task = self._later(proposal, answer)
        done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        if not done:
            raise peer_refusals.chaincode_timed_out(proposal.transaction_id)
        return task.result()

    def _later(self, proposal: Proposal, answer: Awaitable[bytes]) -> asyncio.Task[bytes]:
        self._simulating.add(proposal.transaction_id)
        task = asyncio.ensure_future(_finish(answer))
        task.add_done_callback(lambda ended: self._ended(proposal.transaction_id, ended))
        return task

    def _ended(self, transaction_id: str, task: asyncio.Task[bytes]) -> None:
        self._simulating.discard(transaction_id)
        if not task.cancelled() and task.exception() is not None:
            log.debug("the chaincode refused transaction %s", transaction_id)


async def _finish(answer: Awaitable[bytes]) -> bytes:
    return await answer


def _type_name(header_type: int) -> str:
    return (
        str(common_pb2.HeaderType.Name(header_type))
        if header_type in common_pb2.HeaderType.values()
        else str(header_type)
    )


def simulated(proposal: Proposal, results: bytes, event: bytes, status: int, message: str, payload: bytes) -> Simulated:
    """A chaincode's answer as peers sign it; `results` is the TxReadWriteSet, `event` the ChaincodeEvent or empty."""
    action = proposal_pb2.ChaincodeAction(
        results=results,
        events=event,
        response=proposal_response_pb2.Response(status=status, message=message, payload=payload),
        chaincode_id=chaincode_pb2.ChaincodeID(name=proposal.chaincode, version=_CHAINCODE_VERSION),
    )
    response_payload = proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=proposal.hash, extension=action.SerializeToString()
    )
    return Simulated(
        status=status, message=message, payload=payload, response_payload=response_payload.SerializeToString()
    )
