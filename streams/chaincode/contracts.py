"""The table of every contract's functions, in the order of a call's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from streams.chaincode import (
    admin,
    genesis,
    governance,
    identity,
    loan_pool,
    multisig,
    organization,
    tax_and_fee,
    tokenomics,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: `body` takes the call and one text per name in `parameters`; its answer becomes JSON.

    A function that changes state asks for a role and takes a command id once. One that moves money is refused
    while the system is paused. `role_depends_on` names the parameter whose value may have a role rule of its own.
    """

    body: Callable[..., object]
    parameters: tuple[str, ...]
    changes_state: bool = True
    moves_money: bool = False
    role_depends_on: str | None = None


def _changes(body: Callable[..., object], parameters: str = "", role_depends_on: str | None = None) -> Function:
    return Function(body=body, parameters=tuple(parameters.split()), role_depends_on=role_depends_on)


def _moves_money(body: Callable[..., object], parameters: str) -> Function:
    return Function(body=body, parameters=tuple(parameters.split()), moves_money=True)


def _reads(body: Callable[..., object], parameters: str = "") -> Function:
    return Function(body=body, parameters=tuple(parameters.split()), changes_state=False)


DEFAULT_CONTRACT = "IdentityContract"

CONTRACTS: Mapping[str, Mapping[str, Function]] = {
    "IdentityContract": {
        "CreateUser": _moves_money(identity.create_user, "userId biometricHash nationality age"),
        "GetUser": _reads(identity.get_user, "userId"),
    },
    "TokenomicsContract": {
        "TransferWithFees": _moves_money(
            tokenomics.transfer_with_fees, "fromUserId toUserId amount feeType remark idempotencyKey"
        ),
        "DistributeGenesis": _moves_money(genesis.distribute_genesis, "userId nationality"),
        "FreezeWallet": _changes(tokenomics.freeze_wallet, "userId reason"),
        "UnfreezeWallet": _changes(tokenomics.unfreeze_wallet, "userId"),
        "TransferFromOrganization": _moves_money(
            multisig.transfer_from_organization, "orgId toUserId amount remark pendingTxId"
        ),
        "Mint": _moves_money(tokenomics.mint, "accountId amount remark"),
        "GetBalance": _reads(tokenomics.get_balance, "userId"),
        "GetTotalSupply": _reads(tokenomics.get_total_supply),
    },
    "OrganizationContract": {
        "ProposeOrganization": _changes(
            organization.propose_organization, "orgId orgName orgType stakeholderIds", role_depends_on="orgType"
        ),
        "EndorseMembership": _changes(organization.endorse_membership, "orgId"),
        "ActivateOrganization": _changes(organization.activate_organization, "orgId"),
        "DefineAuthRule": _changes(multisig.define_auth_rule, "orgId rule"),
        "InitiateMultiSigTx": _changes(multisig.initiate_multisig_tx, "orgId toUserId amount remark"),
        "ApproveMultiSigTx": _moves_money(multisig.approve_multisig_tx, "pendingTxId"),
        "GetOrganization": _reads(organization.get_organization, "orgId"),
        "GetMultiSigTx": _reads(multisig.get_multisig_tx, "pendingTxId"),
    },
    "LoanPoolContract": {
        "ApplyForLoan": _changes(loan_pool.apply_for_loan, "borrowerId amount collateralHash"),
        "ApproveLoan": _moves_money(loan_pool.approve_loan, "loanId"),
        "GetLoan": _reads(loan_pool.get_loan, "loanId"),
    },
    "GovernanceContract": {
        "SubmitProposal": _changes(governance.submit_proposal, "targetParam newValue"),
        "VoteOnProposal": _changes(governance.vote_on_proposal, "proposalId vote"),
        "ExecuteProposal": _changes(governance.execute_proposal, "proposalId"),
        "GetProposal": _reads(governance.get_proposal, "proposalId"),
    },
    "AdminContract": {
        "BootstrapSystem": _changes(admin.bootstrap_system),
        "InitializeCountryData": _changes(admin.initialize_country_data, "countriesData"),
        "UpdateSystemParameter": _changes(admin.update_system_parameter, "paramId newValue"),
        "PauseSystem": _changes(admin.pause_system, "reason"),
        "ResumeSystem": _changes(admin.resume_system),
        "AppointAdmin": _changes(admin.appoint_admin, "newAdminId"),
        "ActivateTreasuryAccount": _changes(admin.activate_treasury_account, "countryCode"),
        "GetSystemStatus": _reads(admin.get_system_status),
        "GetSystemParameter": _reads(admin.get_system_parameter, "paramId"),
        "GetCountryStats": _reads(admin.get_country_stats, "countryCode"),
    },
    "TaxAndFeeContract": {
        "ApplyVelocityTax": _moves_money(tax_and_fee.apply_velocity_tax, "accountId taxRateBps"),
    },
}
