"""The functions of the reference chaincode, each on its good path."""

from __future__ import annotations

import json

import pytest
from chaincode_ledger import ADMIN, HASH, PARTNER, Ledger, creator, full_name, running_ledger, with_organization

from streams.chaincode.reference import changing_functions

COIN = 1_000_000


@pytest.fixture
def ledger() -> Ledger:
    return running_ledger()


@pytest.mark.parametrize("roles", ["operations", "chaincode"])
def test_every_function_is_accepted_in_an_order_that_makes_sense(roles: str) -> None:
    ledger, accepted = Ledger(roles), set[str]()

    def accept(function: str, *arguments: str) -> dict[str, str]:
        accepted.add(full_name(function))
        answer: dict[str, str] = ledger.call(function, *arguments)
        return answer

    accept("BootstrapSystem")
    accept("InitializeCountryData", '[{"countryCode":"MY","percentage":0.0042}]')
    accept("UpdateSystemParameter", "transactionFeeBps", "50")
    accept("AppointAdmin", "dora")
    accept("ActivateTreasuryAccount", "MY")
    accept("CreateUser", "alice", HASH, "MY", "35")
    accept("CreateUser", "bob", HASH, "MY", "53")
    accept("DistributeGenesis", "3f0c1f5e", "MY")
    accept("Mint", "SYSTEM_OPERATIONS_FUND", "1000000", "Correction")
    accept("TransferWithFees", "alice", "bob", "2500000", "", "Rent", "")
    accept("FreezeWallet", "alice", "COMPLIANCE_REVIEW: case 1042")
    accept("UnfreezeWallet", "alice")
    accept("ProposeOrganization", "ORG-1", "Harbour Foods", "BUSINESS", '["alice","bob"]')
    accept("EndorseMembership", "ORG-1")
    accept("EndorseMembership", "ORG-1")
    accept("ActivateOrganization", "ORG-1")
    accept("DefineAuthRule", "ORG-1", '{"amountThreshold":0,"requiredApprovers":1,"approverGroup":["alice"]}')
    accept("TransferWithFees", "alice", "ORG-1", "100000000", "", "Capital", "")
    first = accept("InitiateMultiSigTx", "ORG-1", "bob", "5000000", "")["pendingTxId"]
    accept("ApproveMultiSigTx", first)
    second = accept("InitiateMultiSigTx", "ORG-1", "bob", "7000000", "")["pendingTxId"]
    accept("TransferFromOrganization", "ORG-1", "bob", "7000000", "", second)
    accept("ApproveLoan", accept("ApplyForLoan", "bob", "10000000000", HASH)["loanId"])
    proposal = accept("SubmitProposal", "transactionFeeBps", "40")["proposalId"]
    accept("VoteOnProposal", proposal, "true")
    accept("ExecuteProposal", proposal)
    accept("ApplyVelocityTax", "bob", "300")
    accept("PauseSystem", "Security incident under investigation")
    accept("ResumeSystem")
    assert accepted == set(changing_functions())
    supply = ledger.call("GetTotalSupply")
    assert supply["minted"] == supply["held"]


def test_a_new_user_is_counted_and_receives_the_grant(ledger: Ledger) -> None:
    assert ledger.balance("alice") == 500 * COIN
    assert ledger.call("GetUser", "alice") == {
        "userId": "alice",
        "nationality": "MY",
        "age": 35,
        "trustScore": 80,
        "createdAt": "2025-12-01T04:00:00.250+00:00",
    }
    assert ledger.call("GetCountryStats", "MY")["users"] == 2
    status = ledger.call("GetSystemStatus")
    assert (status["users"], status["genesisGrants"], status["genesisPaid"]) == (3, 3, 1500 * COIN)


def test_a_grant_paid_before_registration_is_not_paid_again(ledger: Ledger) -> None:
    ledger.call("DistributeGenesis", "dora", "DE")
    assert ledger.call("CreateUser", "dora", HASH, "DE", "20") == {"userId": "dora", "genesis": 0}
    assert ledger.balance("dora") == 500 * COIN


def test_initializing_a_country_again_keeps_its_counts(ledger: Ledger) -> None:
    ledger.call("InitializeCountryData", '[{"countryCode":"MY","percentage":0.005}]')
    assert ledger.call("GetCountryStats", "MY") == {
        "countryCode": "MY",
        "percentage": "0.005",
        "users": 2,
        "genesisPaid": 1000 * COIN,
    }


def test_the_payer_pays_the_fee_on_top_into_the_operations_fund(ledger: Ledger) -> None:
    answer = ledger.call("TransferWithFees", "alice", "bob", "100000000", "", "Rent", "")
    assert (answer["fee"], answer["feeType"], answer["isIdempotent"]) == (300_000, "P2P", False)
    assert ledger.balance("alice") == 400 * COIN - 300_000
    assert ledger.balance("bob") == 600 * COIN
    assert ledger.balance("SYSTEM_OPERATIONS_FUND") == 300_000


def test_a_wallet_can_be_emptied(ledger: Ledger) -> None:
    ledger.call("UpdateSystemParameter", "transactionFeeBps", "0")
    ledger.call("TransferWithFees", "alice", "bob", "500000000", "", "Rent", "")
    assert ledger.balance("alice") == 0


def test_a_transfer_to_oneself_costs_the_fee_only(ledger: Ledger) -> None:
    ledger.call("TransferWithFees", "alice", "alice", "100000000", "", "Rent", "")
    assert ledger.balance("alice") == 500 * COIN - 300_000


def test_a_transfer_with_a_known_idempotency_key_succeeds_without_effect(ledger: Ledger) -> None:
    transfer = ("TransferWithFees", "alice", "bob", "100000000", "P2P", "Lunch", "qsend-QS-A2B3C4D5")
    first = ledger.call(*transfer, by=PARTNER)
    second = ledger.call(*transfer, by=ADMIN)
    assert second == {"isIdempotent": True, "transactionId": first["transactionId"]}
    assert ledger.balance("bob") == 600 * COIN


def test_an_unfrozen_wallet_moves_money_again(ledger: Ledger) -> None:
    ledger.call("FreezeWallet", "alice", "ADMIN_ACTION")
    ledger.call("UnfreezeWallet", "alice")
    ledger.call("TransferWithFees", "alice", "bob", "1", "", "Test", "")
    assert ledger.balance("bob") == 500 * COIN + 1


def test_a_stakeholder_with_an_own_certificate_endorses_for_itself(ledger: Ledger) -> None:
    ledger.call("ProposeOrganization", "ORG-1", "Harbour Foods", "BUSINESS", '["alice","bob"]')
    ledger.call("EndorseMembership", "ORG-1", by=creator("gx_partner_api", "bob"))
    assert ledger.call("GetOrganization", "ORG-1")["endorsedBy"] == ["bob"]
    ledger.call("EndorseMembership", "ORG-1")
    assert ledger.call("GetOrganization", "ORG-1")["endorsedBy"] == ["bob", "alice"]


def test_the_last_approval_executes_the_payment(ledger: Ledger) -> None:
    pending_id = with_organization(ledger)
    assert ledger.call("ApproveMultiSigTx", pending_id)["status"] == "EXECUTED"
    assert ledger.balance("ORG-1") == 900 * COIN
    assert ledger.balance("carol") == 600 * COIN


def test_a_rule_of_two_waits_for_a_second_certificate(ledger: Ledger) -> None:
    pending_id = with_organization(ledger, required_approvers=2)
    assert ledger.call("ApproveMultiSigTx", pending_id)["status"] == "PENDING"
    assert ledger.balance("ORG-1") == 1000 * COIN
    ledger.call("ApproveMultiSigTx", pending_id, by=creator("gx_partner_api", "another certificate"))
    assert ledger.call("GetMultiSigTx", pending_id)["status"] == "EXECUTED"
    assert ledger.balance("ORG-1") == 900 * COIN


def test_execution_counts_as_an_approval_of_its_certificate() -> None:
    ledger = running_ledger("chaincode")
    pending_id = with_organization(ledger, required_approvers=2)
    ledger.call("ApproveMultiSigTx", pending_id, by=PARTNER)
    ledger.call("TransferFromOrganization", "ORG-1", "carol", "100000000", "", pending_id, by=ADMIN)
    assert ledger.balance("carol") == 600 * COIN


def test_the_rule_with_the_highest_threshold_reached_applies(ledger: Ledger) -> None:
    with_organization(ledger)
    highest = {"amountThreshold": 100_000_000, "requiredApprovers": 1, "approverGroup": ["alice", "bob"]}
    ledger.call("DefineAuthRule", "ORG-1", json.dumps(highest))
    high = {"amountThreshold": 20_000_000, "requiredApprovers": 2, "approverGroup": ["alice", "bob"]}
    ledger.call("DefineAuthRule", "ORG-1", json.dumps(high))
    assert ledger.call("InitiateMultiSigTx", "ORG-1", "bob", "19999999", "")["requiredApprovers"] == 1
    assert ledger.call("InitiateMultiSigTx", "ORG-1", "bob", "20000000", "")["requiredApprovers"] == 2
    assert ledger.call("InitiateMultiSigTx", "ORG-1", "bob", "100000000", "")["requiredApprovers"] == 1


def test_an_approved_loan_is_paid_out_of_the_pool(ledger: Ledger) -> None:
    pool = ledger.balance("SYSTEM_LOAN_POOL")
    loan_id = ledger.call("ApplyForLoan", "alice", "10000000000", HASH)["loanId"]
    ledger.call("ApproveLoan", loan_id)
    assert ledger.call("GetLoan", loan_id)["status"] == "ACTIVE"
    assert ledger.balance("alice") == 10_500 * COIN
    assert ledger.balance("SYSTEM_LOAN_POOL") == pool - 10_000 * COIN


def test_an_accepted_proposal_changes_the_parameter(ledger: Ledger) -> None:
    proposal_id = ledger.call("SubmitProposal", "transactionFeeBps", "40")["proposalId"]
    ledger.call("VoteOnProposal", proposal_id, "true")
    assert ledger.call("ExecuteProposal", proposal_id)["status"] == "EXECUTED"
    assert ledger.call("GetSystemParameter", "transactionFeeBps") == 40
    ledger.call("SubmitProposal", "transactionFeeBps", "40")


def test_a_proposal_that_most_voted_against_is_closed_without_effect(ledger: Ledger) -> None:
    proposal_id = ledger.call("SubmitProposal", "transactionFeeBps", "40")["proposalId"]
    ledger.call("VoteOnProposal", proposal_id, "false")
    assert ledger.call("ExecuteProposal", proposal_id)["status"] == "REJECTED"
    assert ledger.call("GetProposal", proposal_id)["votesAgainst"] == 1
    assert ledger.call("GetSystemParameter", "transactionFeeBps") == 30


def test_a_proposal_without_enough_votes_is_closed_after_its_voting_period(ledger: Ledger) -> None:
    ledger.call("UpdateSystemParameter", "votingPeriodSeconds", "60")
    proposal_id = ledger.call("SubmitProposal", "transactionFeeBps", "40")["proposalId"]
    ledger.passed_s = 60
    assert ledger.call("ExecuteProposal", proposal_id)["status"] == "REJECTED"


def test_velocity_tax_goes_to_the_operations_fund_also_from_a_frozen_wallet(ledger: Ledger) -> None:
    ledger.call("FreezeWallet", "alice", "ADMIN_ACTION")
    assert ledger.call("ApplyVelocityTax", "alice", "300")["tax"] == 15 * COIN
    assert ledger.balance("alice") == 485 * COIN
    assert ledger.balance("SYSTEM_OPERATIONS_FUND") == 15 * COIN


def test_an_activated_treasury_receives_money(ledger: Ledger) -> None:
    ledger.call("ActivateTreasuryAccount", "MY")
    answer = ledger.call("TransferWithFees", "alice", "treasury_MY", "1000000", "", "Tax 2025", "")
    assert answer["feeType"] == "GOVERNMENT"
    assert ledger.balance("treasury_MY") == COIN


def test_new_ids_start_with_the_transaction_id(ledger: Ledger) -> None:
    loan = ledger.simulate("ApplyForLoan", "alice", "10000000000", HASH)
    assert f"loan~LOAN_{loan.transaction_id[:8]}" in loan.writes
    proposal = ledger.simulate("SubmitProposal", "transactionFeeBps", "40")
    assert f"proposal~PROP_{proposal.transaction_id[:8]}" in proposal.writes
