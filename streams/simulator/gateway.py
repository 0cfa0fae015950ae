"""The calls of `gateway.Gateway`, as internal/pkg/gateway of a Fabric peer answers them."""

from __future__ import annotations

from collections.abc import Sequence

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError
from grpc import StatusCode

from streams.simulator import qscc, refusals
from streams.simulator.config import ORDERER_ORGANISATION, SimulatorConfig
from streams.simulator.endorser import Peer, Simulated
from streams.simulator.identities import READERS, Membership
from streams.simulator.ledger import Ledger
from streams.simulator.orderer_faults import OrdererCalls
from streams.simulator.peers import Peers
from streams.simulator.proposals import Proposal, UnreadableProposal, prepare_transaction, read_proposal
from streams.simulator.refusals import Detail, OrdererRefused, OrdererUnreachable, PeerRefused, Refused, RefusedBy


class Gateway:
    """The gateway of one peer. Every call raises Refused for an answer that is not OK."""

    def __init__(
        self,
        *,
        config: SimulatorConfig,
        membership: Membership,
        ledger: Ledger,
        peers: Peers,
        orderer: OrdererCalls,
    ) -> None:
        self._config = config
        self._membership = membership
        self._ledger = ledger
        self._peers = peers
        self._orderer = orderer

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
            envelope = await self._collect(proposal, peers)
        else:
            await self._require_endorsers(proposal)
            envelope = await self._collect_all(proposal)
        return gateway_pb2.EndorseResponse(prepared_transaction=envelope)

    async def evaluate(self, request: gateway_pb2.EvaluateRequest) -> gateway_pb2.EvaluateResponse:
        """Call the chaincode, or qscc, at one peer; nothing is written."""
        proposal = _proposal_to_evaluate(request.proposed_transaction)
        if proposal.channel != self._config.channel:
            raise refusals.no_channel_config(proposal.channel, StatusCode.UNAVAILABLE)
        details: list[Detail] = []
        code = StatusCode.UNAVAILABLE
        for peer in self._evaluators(proposal, request.target_organizations):
            try:
                response = await self._peers.evaluate(peer, proposal)
            except PeerRefused as refusal:
                details.append(self._detail(peer, refusal))
                if refusal.by is RefusedBy.CHAINCODE or (
                    refusal.by is RefusedBy.PROPOSAL_CHECK and self._peers.is_own(peer)
                ):
                    raise refusals.evaluation_refused(refusal, details[-1]) from refusal
                # A refused proposal looks like a broken connection when the peer is another one (apiutils.go).
                code = StatusCode.ABORTED if refusal.by is RefusedBy.SIMULATION else StatusCode.UNAVAILABLE
            else:
                return gateway_pb2.EvaluateResponse(result=response)
        raise Refused(code, refusals.COULD_NOT_EVALUATE, details)

    async def submit(self, request: gateway_pb2.SubmitRequest) -> gateway_pb2.SubmitResponse:
        """Hand an envelope to the orderer."""
        if not request.HasField("prepared_transaction"):
            raise refusals.invalid_request("a prepared transaction is required")
        if not request.prepared_transaction.signature:
            raise refusals.invalid_request("prepared transaction must be signed")
        if request.channel_id != self._config.channel:
            raise refusals.no_channel_config(request.channel_id, StatusCode.FAILED_PRECONDITION)
        try:
            await self._orderer.order(request.prepared_transaction)
        except OrdererRefused as refusal:
            raise refusals.refused_by_orderer(refusal) from refusal
        except OrdererUnreachable as silence:
            detail = Detail(address=self._config.orderer_address, msp_id=ORDERER_ORGANISATION, message=silence.text)
            raise refusals.no_orderers([detail]) from silence
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

    async def _require_endorsers(self, proposal: Proposal) -> None:
        """Of qscc nobody's endorsement counts; but that is found out after the own peer has asked it."""
        if proposal.channel == self._config.channel:
            if proposal.chaincode == self._config.chaincode:
                return
            if proposal.chaincode == qscc.NAME:
                own, *_ = self._peers
                try:
                    await self._peers.evaluate(own, proposal)
                except PeerRefused as refusal:
                    raise self._not_endorsed(own, refusal) from refusal
        raise refusals.no_endorsers(proposal.chaincode, proposal.channel)

    def _not_endorsed(self, own: Peer, refusal: PeerRefused) -> Refused:
        return Refused(StatusCode.ABORTED, refusals.COULD_NOT_ENDORSE, [self._detail(own, refusal)])

    async def _collect_all(self, proposal: Proposal) -> common_pb2.Envelope:
        """Endorsements of every organisation: the own peer first, and no further when that refuses.

        As planFromFirstEndorser of internal/pkg/gateway/endorse.go.
        """
        own, *others = self._peers
        try:
            simulated, endorsement = await self._peers.endorse(own, proposal, None)
        except PeerRefused as refusal:
            raise self._not_endorsed(own, refusal) from refusal
        if self._peers.is_missing_other():
            raise refusals.no_peer_combination()
        return await self._collect(proposal, others, simulated, [endorsement])

    async def _collect(
        self,
        proposal: Proposal,
        peers: Sequence[Peer],
        simulated: Simulated | None = None,
        endorsements: Sequence[proposal_response_pb2.Endorsement] = (),
    ) -> common_pb2.Envelope:
        """Endorsements of all of `peers`, and those there are already, in an envelope; every refusal is reported."""
        details: list[Detail] = []
        collected = list(endorsements)
        for peer in peers:
            try:
                simulated, endorsement = await self._peers.endorse(peer, proposal, simulated)
                collected.append(endorsement)
            except PeerRefused as refusal:
                details.append(self._detail(peer, refusal))
        if details or simulated is None:
            raise Refused(StatusCode.ABORTED, refusals.COULD_NOT_COLLECT, details)
        return prepare_transaction(proposal, simulated.response_payload, collected)

    def _detail(self, peer: Peer, refusal: PeerRefused) -> Detail:
        message = refusal.message if self._peers.is_own(peer) else refusal.as_seen_remotely()
        return Detail(address=peer.address, msp_id=peer.msp_id, message=message)

    def _peers_of(self, msp_ids: Sequence[str], proposal: Proposal) -> list[Peer]:
        known = proposal.channel == self._config.channel and proposal.chaincode == self._config.chaincode
        found = {peer.msp_id: peer for peer in self._known_peers()} if known else {}
        missing = [msp_id for msp_id in msp_ids if msp_id not in found]
        if missing:
            raise refusals.no_peers_of(missing)
        return [found[msp_id] for msp_id in dict.fromkeys(msp_ids)]

    def _evaluators(self, proposal: Proposal, msp_ids: Sequence[str]) -> list[Peer]:
        """Who may be asked, one after the other; the own peer first."""
        peers = [peer for peer in self._known_peers() if not msp_ids or peer.msp_id in msp_ids]
        if proposal.transient and not msp_ids:
            # Transient data stays in the gateway's own organisation (evaluate.go).
            peers = [peer for peer in peers if self._peers.is_own(peer)]
        if proposal.chaincode not in (self._config.chaincode, qscc.NAME) or not peers:
            raise refusals.no_evaluators(proposal.chaincode, proposal.channel)
        return peers

    def _known_peers(self) -> list[Peer]:
        return [peer for peer in self._peers if self._peers.is_own(peer) or not self._peers.is_missing_other()]


def _proposal_to_evaluate(signed: proposal_pb2.SignedProposal) -> Proposal:
    try:
        if not signed.proposal_bytes:
            raise UnreadableProposal("a signed proposal is required")
        return read_proposal(signed)
    except UnreadableProposal as error:
        raise refusals.invalid_request(f"failed to unpack transaction proposal: {error}") from error
