"""GovernanceContract: proposals to change a system parameter, one vote per certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from streams.chaincode.arguments import boolean
from streams.chaincode.call import Call
from streams.chaincode.parameters import VOTING_PERIOD_S, VOTING_QUORUM, change, checked, parameter
from streams.chaincode.state import ChaincodeRefused

_APPROVAL_PERCENT = 60


class ProposalStatus(StrEnum):
    """How far a proposal has come."""

    ACTIVE = "ACTIVE"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class Proposal:
    """`closes_at_s` is seconds since 1970, None when the proposal has no voting period."""

    target_param: str
    new_value: str
    closes_at_s: int | None
    votes_for: int = 0
    votes_against: int = 0
    status: str = ProposalStatus.ACTIVE


def submit_proposal(call: Call, target_param: str, new_value: str) -> object:
    """SubmitProposal: the answer's `proposalId` is PROP_ and 8 digits of the transaction id."""
    checked(target_param, new_value)
    if call.read(_change_key(target_param, new_value)) is not None:
        raise ChaincodeRefused(f"active proposal already exists for this change: {target_param} to {new_value}")
    proposal_id, period_s = call.new_id("PROP"), parameter(call, VOTING_PERIOD_S)
    if call.read(_key(proposal_id)) is not None:
        raise ChaincodeRefused(f"proposal {proposal_id} already exists")
    closes_at_s = call.now_s + period_s if period_s else None
    call.store(_key(proposal_id), Proposal(target_param, new_value, closes_at_s))
    call.write(_change_key(target_param, new_value), proposal_id.encode())
    call.announce("ProposalSubmitted", proposalId=proposal_id, targetParam=target_param, newValue=new_value)
    return {"proposalId": proposal_id, "status": ProposalStatus.ACTIVE}


def vote_on_proposal(call: Call, proposal_id: str, vote: str) -> object:
    """VoteOnProposal: `vote` is true or false."""
    in_favour = boolean(vote, position=1)
    proposal = _require_active(call, proposal_id)
    if proposal.closes_at_s is not None and call.now_s >= proposal.closes_at_s:
        raise ChaincodeRefused(f"voting period has ended for proposal {proposal_id}")
    receipt = f"vote~{proposal_id}~{call.client_name}"
    if call.read(receipt) is not None:
        raise ChaincodeRefused(f"user {call.client_name} has already voted on proposal {proposal_id}")
    call.write(receipt, b"true" if in_favour else b"false")
    call.store(_key(proposal_id), _counted(proposal, in_favour))
    call.announce("VoteCast", proposalId=proposal_id, voter=call.client_name)
    return {"proposalId": proposal_id, "vote": in_favour}


def execute_proposal(call: Call, proposal_id: str) -> object:
    """ExecuteProposal: changes the parameter, or closes the proposal as rejected when too few were in favour."""
    proposal = _require_active(call, proposal_id)
    votes, quorum = proposal.votes_for + proposal.votes_against, parameter(call, VOTING_QUORUM)
    if proposal.closes_at_s is None and votes < quorum:
        raise ChaincodeRefused(f"quorum not reached: {votes} of {quorum} votes on proposal {proposal_id}")
    if proposal.closes_at_s is not None and call.now_s < proposal.closes_at_s:
        raise ChaincodeRefused(f"voting period has not ended for proposal {proposal_id}")
    accepted = votes >= quorum and proposal.votes_for * 100 >= votes * _APPROVAL_PERCENT
    if accepted:
        change(call, proposal.target_param, proposal.new_value)
    status = ProposalStatus.EXECUTED if accepted else ProposalStatus.REJECTED
    call.store(_key(proposal_id), replace(proposal, status=status))
    call.remove(_change_key(proposal.target_param, proposal.new_value))
    call.announce("ProposalClosed", proposalId=proposal_id, status=status)
    return {"proposalId": proposal_id, "status": status}


def get_proposal(call: Call, proposal_id: str) -> object:
    """GetProposal: the change asked for and the votes."""
    proposal = _require(call, proposal_id)
    return {
        "proposalId": proposal_id,
        "targetParam": proposal.target_param,
        "newValue": proposal.new_value,
        "votesFor": proposal.votes_for,
        "votesAgainst": proposal.votes_against,
        "status": proposal.status,
    }


def _counted(proposal: Proposal, in_favour: bool) -> Proposal:
    if in_favour:
        return replace(proposal, votes_for=proposal.votes_for + 1)
    return replace(proposal, votes_against=proposal.votes_against + 1)


def _require(call: Call, proposal_id: str) -> Proposal:
    proposal = call.load(Proposal, _key(proposal_id))
    if proposal is None:
        raise ChaincodeRefused(f"proposal {proposal_id} not found")
    return proposal


def _require_active(call: Call, proposal_id: str) -> Proposal:
    proposal = _require(call, proposal_id)
    if proposal.status != ProposalStatus.ACTIVE:
        raise ChaincodeRefused(f"proposal not active for voting: {proposal_id}")
    return proposal


def _change_key(target_param: str, new_value: str) -> str:
    return f"change~{target_param}~{new_value}"


def _key(proposal_id: str) -> str:
    return f"proposal~{proposal_id}"
