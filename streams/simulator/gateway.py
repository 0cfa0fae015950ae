"""The calls of `gateway.Gateway`, as internal/pkg/gateway of a Fabric peer answers them."""

from __future__ import annotations

from collections.abc import Sequence

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError
from grpc import StatusCode

from streams.simulator import qscc, refusals
from streams.simulator.config import SimulatorConfig
from streams.simulator.endorser import Endorser, Peer, Simulated
from streams.simulator.identities import READERS, Identity, Membership
from streams.simulator.ledger import Ledger
from streams.simulator.orderer import Orderer
from streams.simulator.proposals import Proposal, UnreadableProposal, prepare_transaction, read_proposal
from streams.simulator.refusals import Detail, OrdererRefused, PeerRefused, Refused, RefusedBy


class Gateway:
    """The gateway of the first of `peers`. Every call raises Refused for an answer that is not OK."""

    def __init__(
        self,
        *,
        config: SimulatorConfig,
        membership: Membership,
        ledger: Ledger,
        endorser: Endorser,
        peers: Sequence[Peer],
        orderer: Orderer,
    ) -> None:
        self._config = config
        self._membership = membership
        self._ledger = ledger
        self._endorser = endorser
        self._own, *_ = self._peers = tuple(peers)
        self._orderer = orderer
        self._queries = qscc.LedgerQueries(ledger, config.channel)

    async def endorse(self, request: gateway_pb2.EndorseRequest) -> gateway_pb2.EndorseResponse:
        """Collect endorsements and prepare the transaction for signing."""
        if not request.proposed_transaction.proposal_bytes:
            raise refusals.invalid_request("the proposed transaction must contain a signed proposal")
        try:
            proposal = read_proposal(request.proposed_transaction)
        except UnreadableProposal as error:
            raise refusals.invalid_request(str(error)) from error
        if request.endorsing_organizations:
            peers = self._peers_of(request.endorsing_organizations, proposal)
            envelope = await self._collect(proposal, peers, own_peer_first=False)
        else:
            if proposal.channel != self._config.channel or proposal.chaincode != self._config.chaincode:
                raise refusals.no_endorsers(proposal.chaincode, proposal.channel)
            envelope = await self._collect(proposal, self._peers, own_peer_first=True)
        return gateway_pb2.EndorseResponse(prepared_transaction=envelope)

    async def evaluate(self, request: gateway_pb2.EvaluateRequest) -> gateway_pb2.EvaluateResponse:
        """Call the chaincode, or qscc, at one peer; nothing is written."""
        proposal = _proposal_to_evaluate(request.proposed_transaction)
        if proposal.channel != self._config.channel:
            raise refusals.no_channel_config(proposal.channel, StatusCode.UNAVAILABLE)
        peer = self._evaluator(proposal, request.target_organizations)
        try:
            creator = self._admitted(proposal, peer)
            if proposal.chaincode == qscc.NAME:
                response = proposal_response_pb2.Response(status=200, payload=self._queries.answer(proposal.arguments))
            else:
                answer = await self._endorser.simulate(proposal, creator)
                response = proposal_response_pb2.Response(
                    status=answer.status, message=answer.message, payload=answer.payload
                )
        except PeerRefused as refusal:
            if refusal.by is RefusedBy.SIMULATION:
                # The gateway tries the next peer, which simulates for the same chaincode and fails alike.
                details = [self._detail(each, refusal) for each in self._peers]
                raise Refused(StatusCode.ABORTED, refusals.COULD_NOT_EVALUATE, details) from refusal
            raise refusals.evaluation_refused(refusal, self._detail(peer, refusal)) from refusal
        return gateway_pb2.EvaluateResponse(result=response)

    async def submit(self, request: gateway_pb2.SubmitRequest) -> gateway_pb2.SubmitResponse:
        """Hand an envelope to the orderer."""
        if not request.HasField("prepared_transaction"):
            raise refusals.invalid_request("a prepared transaction is required")
        if not request.prepared_transaction.signature:
            raise refusals.invalid_request("prepared transaction must be signed")
        if request.channel_id != self._config.channel:
            raise refusals.no_channel_config(request.channel_id, StatusCode.FAILED_PRECONDITION)
        try:
            self._orderer.take(request.prepared_transaction)
        except OrdererRefused as refusal:
            raise refusals.refused_by_orderer(refusal) from refusal
        return gateway_pb2.SubmitResponse()

    async def commit_status(self, request: gateway_pb2.SignedCommitStatusRequest) -> gateway_pb2.CommitStatusResponse:
        """The first entry under a transaction id, as soon as there is one."""
        if not request.request:
            raise refusals.invalid_request("a commit status request is required")
        try:
            asked = gateway_pb2.CommitStatusRequest.FromString(request.request)
        except DecodeError as error:
            raise refusals.invalid_request("invalid status request") from error
        if asked.channel_id != self._config.channel:
            raise refusals.no_policy_manager(asked.channel_id)
        if not self._membership.signed_by(asked.identity, request.signature, request.request, READERS):
            raise refusals.not_a_reader(asked.channel_id)
        entry = await self._ledger.entry(asked.transaction_id)
        return gateway_pb2.CommitStatusResponse(result=entry.code, block_number=entry.block)

    async def _collect(self, proposal: Proposal, peers: Sequence[Peer], *, own_peer_first: bool) -> common_pb2.Envelope:
        """Endorsements of all of `peers` in an envelope.

        Without organisations named, the gateway asks its own peer first and goes no further when that refuses; with
        them named, it asks all at once and reports every refusal (internal/pkg/gateway/endorse.go).
        """
        details: list[Detail] = []
        endorsements: list[proposal_response_pb2.Endorsement] = []
        simulated: Simulated | None = None
        for peer in peers:
            try:
                creator = self._admitted(proposal, peer)
                if simulated is None:
                    simulated = await self._endorser.simulate(proposal, creator)
                endorsements.append(peer.endorse(simulated.response_payload))
            except PeerRefused as refusal:
                details.append(self._detail(peer, refusal))
                if own_peer_first and peer is self._own:
                    raise Refused(StatusCode.ABORTED, refusals.COULD_NOT_ENDORSE, details) from refusal
        if details or simulated is None:
            raise Refused(StatusCode.ABORTED, refusals.COULD_NOT_COLLECT, details)
        return prepare_transaction(proposal, simulated.response_payload, endorsements)

    def _admitted(self, proposal: Proposal, peer: Peer) -> Identity:
        creator = self._endorser.check(proposal)
        # The gateway calls its own peer past the filter that looks at expiry (core/handlers/auth/filter/expiration.go).
        if peer is not self._own and creator.has_expired():
            raise refusals.expired_client()
        return creator

    def _detail(self, peer: Peer, refusal: PeerRefused) -> Detail:
        message = refusal.message if peer is self._own else refusal.as_seen_remotely()
        return Detail(address=peer.address, msp_id=peer.msp_id, message=message)

    def _peers_of(self, msp_ids: Sequence[str], proposal: Proposal) -> list[Peer]:
        known = proposal.channel == self._config.channel and proposal.chaincode == self._config.chaincode
        found = {peer.msp_id: peer for peer in self._peers} if known else {}
        missing = [msp_id for msp_id in msp_ids if msp_id not in found]
        if missing:
            raise refusals.no_peers_of(missing)
        return [found[msp_id] for msp_id in dict.fromkeys(msp_ids)]

    def _evaluator(self, proposal: Proposal, msp_ids: Sequence[str]) -> Peer:
        if proposal.chaincode in (self._config.chaincode, qscc.NAME):
            for peer in self._peers:
                if not msp_ids or peer.msp_id in msp_ids:
                    return peer
        raise refusals.no_evaluators(proposal.chaincode, proposal.channel)


def _proposal_to_evaluate(signed: proposal_pb2.SignedProposal) -> Proposal:
    try:
        if not signed.proposal_bytes:
            raise UnreadableProposal("a signed proposal is required")
        return read_proposal(signed)
    except UnreadableProposal as error:
        raise refusals.invalid_request(f"failed to unpack transaction proposal: {error}") from error
