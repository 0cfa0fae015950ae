"""`protos.Endorser/ProcessProposal`: one peer, asked by a client that collects endorsements itself.

A refused proposal is a gRPC error; what the simulation or the chaincode refuses is a response with a status
(core/endorser/endorser.go, ProcessProposal).
"""

from __future__ import annotations

import grpc
from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from streams.simulator import peer_refusals, qscc
from streams.simulator.config import SimulatorConfig
from streams.simulator.endorser import Endorser, Peer, simulated
from streams.simulator.identities import Identity, Membership
from streams.simulator.part_faults import PeerFaults
from streams.simulator.proposals import Proposal, UnreadableProposal, read_proposal
from streams.simulator.refusals import PeerRefused, Refused, RefusedBy

_SERVER_ERROR = 500


class EndorserService:
    """The service of one peer."""

    def __init__(
        self,
        peer: Peer,
        *,
        config: SimulatorConfig,
        membership: Membership,
        endorser: Endorser,
        queries: qscc.LedgerQueries,
        faults: PeerFaults,
        is_reached: bool,
    ) -> None:
        self._peer = peer
        self._config = config
        self._membership = membership
        self._endorser = endorser
        self._queries = queries
        self._faults = faults
        self._is_reached = is_reached

    async def process(self, signed: proposal_pb2.SignedProposal) -> proposal_response_pb2.ProposalResponse:
        """Endorse a proposal, or say why not. Raises Refused for a proposal that is not looked at."""
        try:
            proposal = read_proposal(signed)
        except UnreadableProposal as error:
            raise Refused(grpc.StatusCode.UNKNOWN, str(error)) from error
        if proposal.channel != self._config.channel:
            return _response(_SERVER_ERROR, f"channel '{proposal.channel}' not found")
        try:
            if not self._is_reached:
                await self._faults.reach_other_peer(self._peer.address)
            creator = self._endorser.check(proposal)
            if self._membership.has_expired(creator):
                raise peer_refusals.expired_client()
            return await self._endorse(proposal, creator)
        except PeerRefused as refusal:
            return _refused(refusal)

    async def _endorse(self, proposal: Proposal, creator: Identity) -> proposal_response_pb2.ProposalResponse:
        if proposal.chaincode == qscc.NAME:
            answer = simulated(proposal, b"", b"", 200, "", self._queries.answer(proposal.arguments))
        elif proposal.chaincode == self._config.chaincode:
            await self._faults.reach_chaincode(proposal.transaction_id, self._peer.msp_id, is_own=True)
            answer = await self._endorser.simulate(proposal, creator)
        else:
            return _response(_SERVER_ERROR, _not_defined(proposal))
        return proposal_response_pb2.ProposalResponse(
            version=1,
            response=proposal_response_pb2.Response(
                status=answer.status, message=answer.message, payload=answer.payload
            ),
            payload=answer.response_payload,
            endorsement=self._peer.endorse(answer.response_payload),
        )


def _refused(refusal: PeerRefused) -> proposal_response_pb2.ProposalResponse:
    match refusal.by:
        case RefusedBy.CHAINCODE:
            return _response(refusal.status, refusal.words)
        case RefusedBy.CONNECTION:
            raise Refused(grpc.StatusCode.UNAVAILABLE, refusal.message)
        case RefusedBy.PROPOSAL_CHECK:
            raise Refused(grpc.StatusCode.UNKNOWN, refusal.message)
        case _:
            return _response(_SERVER_ERROR, refusal.message)


def _response(status: int, message: str) -> proposal_response_pb2.ProposalResponse:
    return proposal_response_pb2.ProposalResponse(
        response=proposal_response_pb2.Response(status=status, message=message)
    )


def _not_defined(proposal: Proposal) -> str:
    return (
        f"make sure the chaincode {proposal.chaincode} has been successfully defined on channel {proposal.channel} "
        f"and try again: chaincode {proposal.chaincode} not found"
    )
