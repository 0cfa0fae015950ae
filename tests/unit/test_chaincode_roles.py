"""Who may call what, under both maps."""

from __future__ import annotations

import pytest
from chaincode_ledger import ADMIN, HASH, PARTNER, SUPER_ADMIN, creator, full_name, running_ledger

from streams.chaincode.reference import ReferenceChaincode, changing_functions
from streams.chaincode.roles import RoleMap, load_roles
from streams.chaincode.state import ChaincodeRefused, Creator
from streams.errors import SettingsInvalid

SENDERS_OF_THE_OPERATIONS_DOCUMENT = {
    SUPER_ADMIN.name: ["BootstrapSystem", "InitializeCountryData", "PauseSystem", "ResumeSystem", "Mint"],
    ADMIN.name: ["AppointAdmin", "ActivateTreasuryAccount", "DistributeGenesis", "TransferWithFees"],
    PARTNER.name: [
        "CreateUser",
        "FreezeWallet",
        "UnfreezeWallet",
        "ProposeOrganization",
        "EndorseMembership",
        "ActivateOrganization",
        "DefineAuthRule",
        "InitiateMultiSigTx",
        "ApproveMultiSigTx",
        "TransferFromOrganization",
        "ApplyForLoan",
        "ApproveLoan",
        "SubmitProposal",
        "VoteOnProposal",
        "ExecuteProposal",
        "UpdateSystemParameter",
        "ApplyVelocityTax",
        "TransferWithFees",
    ],
}


def allowed(roles: RoleMap, function: str, by: Creator) -> bool:
    try:
        roles.check(full_name(function), by)
    except ChaincodeRefused:
        return False
    return True


@pytest.mark.parametrize("name", ["operations", "chaincode"])
def test_a_map_has_a_rule_for_every_function_that_changes_state_and_for_no_other(name: str) -> None:
    functions = {rule.partition("(")[0] for rule in load_roles(name).allowed}
    assert functions == set(changing_functions())


def test_the_operations_map_allows_exactly_the_identities_of_the_operations_document() -> None:
    roles = load_roles("operations")
    for by in (SUPER_ADMIN, ADMIN, PARTNER):
        may = {name.partition(":")[2] for name in changing_functions() if allowed(roles, name.partition(":")[2], by)}
        assert may == set(SENDERS_OF_THE_OPERATIONS_DOCUMENT[by.name])


@pytest.mark.parametrize(
    ("function", "by"),
    [
        ("FreezeWallet", SUPER_ADMIN),
        ("TransferWithFees", ADMIN),
        ("ApproveLoan", ADMIN),
        ("SubmitProposal", ADMIN),
        ("ApplyVelocityTax", ADMIN),
        ("UpdateSystemParameter", ADMIN),
        ("Mint", SUPER_ADMIN),
    ],
)
def test_the_chaincode_map_asks_for_more_than_the_old_worker_sends(function: str, by: Creator) -> None:
    roles = load_roles("chaincode")
    assert allowed(roles, function, by)
    assert not allowed(roles, function, PARTNER)


def test_a_client_without_the_role_is_refused_by_name() -> None:
    ledger = running_ledger()
    text = "authorization failed: client 'client-gx_partner_api' does not have the required role 'gx_super_admin'"
    assert ledger.refusal("PauseSystem", "drill", by=PARTNER) == text


def test_there_is_no_hierarchy_of_roles() -> None:
    ledger = running_ledger()
    text = (
        "authorization failed: client 'client-gx_super_admin' does not have the required role "
        "'gx_admin' or 'gx_partner_api'"
    )
    assert ledger.refusal("TransferWithFees", "alice", "bob", "1", "", "r", "", by=SUPER_ADMIN) == text


def test_a_certificate_without_the_attribute_is_refused() -> None:
    text = "failed to get attribute 'gxc_role' of client 'nobody'"
    assert running_ledger().refusal("CreateUser", "dora", HASH, "MY", "35", by=creator(None, "nobody")) == text


def test_a_government_organization_asks_for_an_administrator() -> None:
    ledger = running_ledger()
    government = ("ProposeOrganization", "GOV-MY", "Treasury", "GOVERNMENT", '["alice"]')
    text = "authorization failed: client 'client-gx_partner_api' does not have the required role 'gx_admin'"
    assert ledger.refusal(*government, by=PARTNER) == text
    ledger.call(*government, by=ADMIN)


def test_a_function_open_to_any_role_accepts_a_certificate_without_one() -> None:
    ledger = running_ledger("chaincode")
    proposal_id = ledger.call("SubmitProposal", "transactionFeeBps", "40")["proposalId"]
    ledger.call("VoteOnProposal", proposal_id, "true", by=creator(None, "a voter"))
    assert ledger.call("GetProposal", proposal_id)["votesFor"] == 1


def test_reading_asks_for_no_role() -> None:
    ledger, nobody = running_ledger(), creator(None, "nobody")
    assert ledger.call("GetBalance", "alice", by=nobody) == 500_000_000
    assert ledger.call("GetSystemStatus", by=nobody)["bootstrapped"] is True


def test_an_unknown_map_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(SettingsInvalid, match="no role map 'production'; choose one of: chaincode, operations"):
        load_roles("production")


def test_a_map_without_a_rule_for_some_function_is_refused_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"role map 'empty' has no rule for IdentityContract:CreateUser, "):
        ReferenceChaincode(RoleMap(name="empty", allowed={}))
