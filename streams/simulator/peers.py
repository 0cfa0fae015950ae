"""The peers as one gateway sees them: its own one, called directly, and the other organisation's, over the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabric_protos.peer import proposal_response_pb2

from streams.simulator import peer_refusals, qscc
from streams.simulator.config import ORGANISATIONS
from streams.simulator.endorser import Endorser, Peer, Simulated
from streams.simulator.identities import Identity, Membership
from streams.simulator.part_faults import PeerFaults
from streams.simulator.proposals import Proposal


class Peers:
    """The first one is the gateway's own. Every call to one raises PeerRefused."""

    def __init__(
        self,
        peers: Sequence[Peer],
        *,
        membership: Membership,
        endorser: Endorser,
        queries: qscc.LedgerQueries,
        faults: PeerFaults,
    ) -> None:
        self._own, *_ = self._peers = tuple(peers)
        self._membership = membership
        self._endorser = endorser
        self._queries = queries
        self._faults = faults

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._peers)

    def is_own(self, peer: Peer) -> bool:
        """Whether it is the gateway's own."""
        return peer is self._own

    def is_missing_other(self) -> bool:
        """Whether the gateway knows of no peer but its own."""
        return self._faults.is_other_peer_unknown()

    async def endorse(
        self, peer: Peer, proposal: Proposal, simulated: Simulated | None
    ) -> tuple[Simulated, proposal_response_pb2.Endorsement]:
        """What the chaincode answers, and the peer's signature.

        The peers share one world state: what one has `simulated` the next one only signs, as the same call would be.
        """
        creator = await self._admit(peer, proposal)
        await self._faults.reach_chaincode(proposal.transaction_id, peer.msp_id, is_own=self.is_own(peer))
        if simulated is None:
            simulated = await self._endorser.simulate(proposal, creator)
        else:
            self._faults.compare()
        return simulated, peer.endorse(simulated.response_payload)

    async def evaluate(self, peer: Peer, proposal: Proposal) -> proposal_response_pb2.Response:
        """What the chaincode, or qscc, answers."""
        creator = await self._admit(peer, proposal)
        if proposal.chaincode == qscc.NAME:
            return proposal_response_pb2.Response(status=200, payload=self._queries.answer(proposal.arguments))
        await self._faults.reach_chaincode(proposal.transaction_id, peer.msp_id, is_own=self.is_own(peer))
        answer = await self._endorser.simulate(proposal, creator)
        return proposal_response_pb2.Response(status=answer.status, message=answer.message, payload=answer.payload)

    async def _admit(self, peer: Peer, proposal: Proposal) -> Identity:
        if self.is_own(peer):
            return self._endorser.check(proposal)
        if peer.msp_id == ORGANISATIONS[1]:
            await self._faults.reach_other_peer(peer.address)
        creator = self._endorser.check(proposal)
        # The gateway calls its own peer past the filter that looks at expiry (core/handlers/auth/filter/expiration.go).
        if self._membership.has_expired(creator):
            raise peer_refusals.expired_client()
        return creator
