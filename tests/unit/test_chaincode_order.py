"""What the reference chaincode refuses because of what came before, with its texts."""

from __future__ import annotations

import json

import pytest
from chaincode_ledger import HASH, Ledger, creator, running_ledger, with_organization

from streams.chaincode.call import canonical_json

FORMAT = "Error managing parameter param{}. Conversion error. {}"
RULE = {"amountThreshold": 0, "requiredApprovers": 1, "approverGroup": ["alice"]}


@pytest.fixture
def ledger() -> Ledger:
    return running_ledger()


def test_a_frozen_wallet_neither_sends_nor_receives(ledger: Ledger) -> None:
    ledger.call("FreezeWallet", "alice", "ADMIN_ACTION")
    send, receive = ("alice", "bob", "1", "", "r", ""), ("bob", "alice", "1", "", "r", "")
    assert ledger.refusal("TransferWithFees", *send) == "cannot transfer: sender wallet is frozen"
    assert ledger.refusal("TransferWithFees", *receive) == "cannot transfer: receiver wallet is frozen"
    assert ledger.refusal("FreezeWallet", "alice", "again") == "user alice is already frozen"
    loan_id = ledger.call("ApplyForLoan", "alice", "100000000", HASH)["loanId"]
    assert ledger.refusal("ApproveLoan", loan_id) == "fund transfer failed: cannot transfer: receiver wallet is frozen"


def test_no_money_moves_while_the_system_is_paused(ledger: Ledger) -> None:
    ledger.call("PauseSystem", "drill")
    assert ledger.refusal("TransferWithFees", "alice", "bob", "1", "", "r", "") == "system is paused: drill"
    assert ledger.refusal("CreateUser", "dora", HASH, "MY", "35") == "system is paused: drill"
    assert ledger.refusal("PauseSystem", "again") == "system is paused: drill"
    ledger.call("ResumeSystem")
    ledger.call("TransferWithFees", "alice", "bob", "1", "", "r", "")


def test_nothing_starts_before_bootstrap() -> None:
    ledger = Ledger()
    assert ledger.refusal("CreateUser", "dora", HASH, "MY", "35") == "system is not bootstrapped"
    assert ledger.refusal("InitializeCountryData", "[]") == "system is not bootstrapped"
    assert ledger.refusal("PauseSystem", "drill") == "system is not bootstrapped"
    ledger.call("BootstrapSystem")
    assert ledger.refusal("CreateUser", "dora", HASH, "MY", "35").startswith(
        "country MY is not registered in the system"
    )


def test_an_organization_goes_through_its_states_in_order(ledger: Ledger) -> None:
    ledger.call("ProposeOrganization", "O", "Harbour Foods", "BUSINESS", '["alice","bob"]')
    assert ledger.refusal("ActivateOrganization", "O") == "stakeholder alice has not endorsed"
    assert ledger.refusal("DefineAuthRule", "O", json.dumps(RULE)) == "organization not verified: O"
    assert ledger.refusal("InitiateMultiSigTx", "O", "carol", "1", "") == "organization not verified: O"
    ledger.call("EndorseMembership", "O")
    alice = creator("gx_partner_api", "alice")
    assert ledger.refusal("EndorseMembership", "O", by=alice) == "membership already endorsed by alice"
    ledger.call("EndorseMembership", "O")
    assert ledger.refusal("EndorseMembership", "O") == "membership already endorsed by every stakeholder"
    ledger.call("ActivateOrganization", "O")
    assert ledger.refusal("EndorseMembership", "O") == "organization not pending endorsement: O"
    assert (
        ledger.refusal("InitiateMultiSigTx", "O", "carol", "1", "")
        == "no multi-sig rule applies to 1 of organization O"
    )


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (RULE | {"approverGroup": ["carol"]}, "approver carol is not a stakeholder"),
        (
            RULE | {"requiredApprovers": 2},
            "requiredApprovers must be from 1 to 1, the size of the approver group",
        ),
    ],
)
def test_a_rule_that_cannot_be_met_is_refused(ledger: Ledger, rule: dict[str, object], text: str) -> None:
    with_organization(ledger)
    assert ledger.refusal("DefineAuthRule", "ORG-1", json.dumps(rule)) == text


@pytest.mark.parametrize("rule", ["", "[]", '{"amountThreshold":1.5,"requiredApprovers":1,"approverGroup":[]}'])
def test_a_rule_of_another_shape_is_refused(ledger: Ledger, rule: str) -> None:
    with_organization(ledger)
    text = FORMAT.format(1, f"Value {rule} was not passed in expected format domain.AuthRule")
    assert ledger.refusal("DefineAuthRule", "ORG-1", rule) == text


def test_a_payment_is_approved_once_per_certificate_and_executed_once(ledger: Ledger) -> None:
    pending_id = with_organization(ledger, required_approvers=2)
    payment = ("TransferFromOrganization", "ORG-1", "carol", "100000000", "", pending_id)
    assert ledger.refusal(*payment) == f"pending transaction {pending_id} has 1 of 2 approvals"
    ledger.call("ApproveMultiSigTx", pending_id)
    already = f"transaction {pending_id} already approved by client-gx_partner_api"
    assert ledger.refusal("ApproveMultiSigTx", pending_id) == already
    other = ("TransferFromOrganization", "ORG-1", "carol", "100000001", "", pending_id)
    assert ledger.refusal(*other) == f"pending transaction {pending_id} is another payment"
    ledger.call("ApproveMultiSigTx", pending_id, by=creator("gx_partner_api", "another certificate"))
    assert ledger.refusal("ApproveMultiSigTx", pending_id) == f"pending transaction {pending_id} is not pending"
    assert ledger.refusal(*payment) == f"pending transaction {pending_id} is not pending"


def test_an_approved_payment_without_cover_is_refused_with_its_approval(ledger: Ledger) -> None:
    with_organization(ledger)
    pending_id = ledger.call("InitiateMultiSigTx", "ORG-1", "bob", "1000000001", "")["pendingTxId"]
    cause = "insufficient funds: account ORG-1 holds 1000000000, needs 1000000001"
    assert ledger.refusal("ApproveMultiSigTx", pending_id) == f"execution failed: {cause}"
    assert ledger.call("GetMultiSigTx", pending_id)["approvedBy"] == []


def test_an_organization_pays_only_by_approved_transactions(ledger: Ledger) -> None:
    with_organization(ledger)
    text = "submitter client-gx_admin is not authorized to transfer from account ORG-1"
    assert ledger.refusal("TransferWithFees", "ORG-1", "bob", "1", "", "r", "") == text


def test_a_borrower_with_a_low_trust_score_gets_no_loan(ledger: Ledger) -> None:
    user = json.loads(ledger.entries["user~alice"]) | {"trust_score": 74}
    ledger.entries["user~alice"] = canonical_json(user)
    assert ledger.refusal("ApplyForLoan", "alice", "100000000", HASH) == "trust score 74 below minimum 75"


def test_a_loan_is_approved_once(ledger: Ledger) -> None:
    loan_id = ledger.call("ApplyForLoan", "alice", "100000000", HASH)["loanId"]
    ledger.call("ApproveLoan", loan_id)
    assert ledger.refusal("ApproveLoan", loan_id) == f"loan not pending approval: {loan_id}"


def test_a_proposal_takes_one_vote_per_certificate_until_it_is_executed(ledger: Ledger) -> None:
    proposal_id = ledger.call("SubmitProposal", "votingQuorum", "2")["proposalId"]
    twice = "active proposal already exists for this change: votingQuorum to 2"
    assert ledger.refusal("SubmitProposal", "votingQuorum", "2") == twice
    assert ledger.refusal("ExecuteProposal", proposal_id).startswith("quorum not reached: 0 of 1 votes")
    ledger.call("VoteOnProposal", proposal_id, "true")
    again = f"user client-gx_partner_api has already voted on proposal {proposal_id}"
    assert ledger.refusal("VoteOnProposal", proposal_id, "false") == again
    ledger.call("ExecuteProposal", proposal_id)
    assert ledger.refusal("VoteOnProposal", proposal_id, "true") == f"proposal not active for voting: {proposal_id}"
    assert ledger.refusal("ExecuteProposal", proposal_id) == f"proposal not active for voting: {proposal_id}"


def test_a_voting_period_holds_for_votes_and_for_execution(ledger: Ledger) -> None:
    ledger.call("UpdateSystemParameter", "votingPeriodSeconds", "60")
    proposal_id = ledger.call("SubmitProposal", "transactionFeeBps", "40")["proposalId"]
    ledger.call("VoteOnProposal", proposal_id, "true")
    assert ledger.refusal("ExecuteProposal", proposal_id) == f"voting period has not ended for proposal {proposal_id}"
    ledger.passed_s = 60
    late = creator("gx_partner_api", "late voter")
    text = f"voting period has ended for proposal {proposal_id}"
    assert ledger.refusal("VoteOnProposal", proposal_id, "true", by=late) == text
    assert ledger.call("ExecuteProposal", proposal_id)["status"] == "EXECUTED"


def test_an_administrator_and_a_treasury_exist_once(ledger: Ledger) -> None:
    ledger.call("AppointAdmin", "dora")
    assert ledger.refusal("AppointAdmin", "dora") == "dora is already an admin"
    ledger.call("ActivateTreasuryAccount", "MY")
    assert ledger.refusal("ActivateTreasuryAccount", "MY") == "treasury not locked: treasury_MY"
