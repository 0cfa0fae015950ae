"""What the reference chaincode refuses whatever came before, with its texts."""

from __future__ import annotations

import pytest
from chaincode_ledger import HASH, Ledger, running_ledger

FORMAT = "Error managing parameter param{}. Conversion error. {}"


@pytest.fixture
def ledger() -> Ledger:
    return running_ledger()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (("CreateUser", " ", HASH, "MY", "35"), "userID cannot be empty"),
        (("CreateUser", "a~b", HASH, "MY", "35"), "invalid userID format: must not contain '~'"),
        (
            ("CreateUser", "dora", "$2b$10$short", "MY", "35"),
            "invalid biometricHash format: must be 64 characters (SHA-256 hex)",
        ),
        (
            ("CreateUser", "dora", HASH, "Malaysia", "35"),
            "invalid nationality format: must be a country code of two capital letters",
        ),
        (("CreateUser", "dora", HASH, "MY", "12.5"), FORMAT.format(3, "Cannot convert passed value 12.5 to uint64")),
        (("CreateUser", "alice", HASH, "MY", "35"), "the user alice already exists"),
        (
            ("CreateUser", "dora", HASH, "XX", "35"),
            "country XX is not registered in the system, initialize country data before using it",
        ),
        (
            ("CreateUser", "SYSTEM_LOAN_POOL", HASH, "MY", "35"),
            "the account SYSTEM_LOAN_POOL already exists",
        ),
        (("GetUser", "dora"), "the user dora does not exist"),
        (("GetBalance", "dora"), "balance for account dora not found"),
        (("DistributeGenesis", "alice", "MY"), "user alice has already received genesis mint"),
        (("FreezeWallet", "dora", "why"), "balance for account dora not found"),
        (("FreezeWallet", "SYSTEM_LOAN_POOL", "why"), "account SYSTEM_LOAN_POOL is not a wallet"),
        (("FreezeWallet", "alice", ""), "reason cannot be empty"),
        (("UnfreezeWallet", "alice"), "user alice is not frozen"),
        (("Mint", "dora", "1", "why"), "balance for account dora not found"),
        (("Mint", "alice", "1", ""), "remark cannot be empty"),
        (("ProposeOrganization", "", "N", "BUSINESS", '["alice"]'), "orgID cannot be empty"),
        (("ProposeOrganization", "O", "", "BUSINESS", '["alice"]'), "orgName cannot be empty"),
        (("ProposeOrganization", "O", "N", "", '["alice"]'), "orgType cannot be empty"),
        (("ProposeOrganization", "O", "N", "BUSINESS", '["dora"]'), "stakeholder dora does not exist"),
        (("ProposeOrganization", "O", "N", "BUSINESS", "[]"), "stakeholderIDs cannot be empty"),
        (("ProposeOrganization", "O", "N", "BUSINESS", '["bob","bob"]'), "stakeholderIDs must not repeat"),
        (
            ("ProposeOrganization", "O", "N", "BUSINESS", "bob"),
            FORMAT.format(3, "Value bob was not passed in expected format []string"),
        ),
        (
            ("ProposeOrganization", "O", "N", "BUSINESS", "[7]"),
            FORMAT.format(3, "Value [7] was not passed in expected format []string"),
        ),
        (("ProposeOrganization", "alice", "N", "BUSINESS", '["bob"]'), "organization alice already exists"),
        (("EndorseMembership", "O"), "organization O does not exist"),
        (("ApproveMultiSigTx", "PENDING_TX_0"), "pending transaction PENDING_TX_0 not found"),
        (("ApplyForLoan", "dora", "100000000", HASH), "the user dora does not exist"),
        (("ApplyForLoan", "alice", "99999999", HASH), "loan amount 99999999 below minimum 100000000"),
        (
            ("ApplyForLoan", "alice", "1000000000001", HASH),
            "loan amount 1000000000001 exceeds maximum 1000000000000",
        ),
        (
            ("ApplyForLoan", "alice", "100000000", "hash"),
            "invalid collateralHash format: must be 64 characters (SHA-256 hex)",
        ),
        (("ApproveLoan", "LOAN_0"), "loan not found: LOAN_0"),
        (("SubmitProposal", "gravity", "9"), "parameter gravity does not exist"),
        (
            ("SubmitProposal", "transactionFeeBps", "10001"),
            "invalid value 10001 for parameter transactionFeeBps: must be a whole number from 0 to 10000",
        ),
        (("VoteOnProposal", "PROP_0", "true"), "proposal PROP_0 not found"),
        (("VoteOnProposal", "PROP_0", "yes"), FORMAT.format(1, "Cannot convert passed value yes to bool")),
        (("BootstrapSystem",), "system is already bootstrapped"),
        (
            ("InitializeCountryData", '[{"countryCode":"MY","percentage":"0.1"}]'),
            FORMAT.format(
                0,
                'Value [{"countryCode":"MY","percentage":"0.1"}] was not passed in expected format '
                "[]domain.CountryData",
            ),
        ),
        (
            ("InitializeCountryData", '[{"countryCode":"MY","percentage":1.5}]'),
            FORMAT.format(
                0,
                'Value [{"countryCode":"MY","percentage":1.5}] was not passed in expected format []domain.CountryData',
            ),
        ),
        (
            ("InitializeCountryData", "{}"),
            FORMAT.format(0, "Value {} was not passed in expected format []domain.CountryData"),
        ),
        (("UpdateSystemParameter", "gravity", "9"), "parameter gravity does not exist"),
        (("PauseSystem", ""), "reason cannot be empty"),
        (("ResumeSystem",), "system is not paused"),
        (("AppointAdmin", ""), "newAdminID cannot be empty"),
        (("AppointAdmin", "client-gx_admin"), "self-appointment is not allowed"),
        (
            ("ActivateTreasuryAccount", "XX"),
            "country XX is not registered in the system, initialize country data before using it",
        ),
        (("GetSystemParameter", "gravity"), "parameter gravity does not exist"),
        (
            ("ApplyVelocityTax", "alice", "undefined"),
            FORMAT.format(1, "Cannot convert passed value undefined to uint64"),
        ),
        (("ApplyVelocityTax", "alice", "0"), "invalid tax rate 0: must be from 1 to 10000 basis points"),
        (("ApplyVelocityTax", "SYSTEM_LOAN_POOL", "1"), "account SYSTEM_LOAN_POOL is not subject to velocity tax"),
    ],
)
def test_a_call_that_cannot_be_right_is_refused(ledger: Ledger, call: tuple[str, ...], text: str) -> None:
    assert ledger.refusal(*call) == text


@pytest.mark.parametrize("listed", ["[" * 100_000, '["\\ud800"]', "[NaN]", ""])
def test_json_that_cannot_be_kept_is_refused(ledger: Ledger, listed: str) -> None:
    text = FORMAT.format(3, f"Value {listed} was not passed in expected format []string")
    assert ledger.refusal("ProposeOrganization", "O", "N", "BUSINESS", listed) == text


@pytest.mark.parametrize(
    ("transfer", "text"),
    [
        (("dora", "bob", "1", "", "r"), "sender validation failed: balance for account dora not found"),
        (("alice", "dora", "1", "", "r"), "recipient validation failed: balance for account dora not found"),
        (("alice", "bob", "0", "", "r"), "amount must be greater than zero"),
        (("alice", "bob", "100.5", "", "r"), FORMAT.format(2, "Cannot convert passed value 100.5 to uint64")),
        (("alice", "bob", "-5", "", "r"), FORMAT.format(2, "Cannot convert passed value -5 to uint64")),
        (("alice", "bob", "1e+21", "", "r"), FORMAT.format(2, "Cannot convert passed value 1e+21 to uint64")),
        (("alice", "bob", str(2**64), "", "r"), FORMAT.format(2, f"Cannot convert passed value {2**64} to uint64")),
        (("alice", "bob", "1", "", " "), "remark cannot be empty"),
        (("alice", "bob", "1", "X", "r"), "invalid fee type X: must be one of P2P, BUSINESS, GOVERNMENT or empty"),
        (
            ("alice", "bob", "500000000", "", "r"),
            "insufficient funds: account alice holds 500000000, needs 501500000",
        ),
        (
            ("SYSTEM_LOAN_POOL", "bob", "1", "", "r"),
            "submitter client-gx_admin is not authorized to transfer from account SYSTEM_LOAN_POOL",
        ),
    ],
)
def test_a_transfer_that_cannot_be_made_is_refused(ledger: Ledger, transfer: tuple[str, ...], text: str) -> None:
    assert ledger.refusal("TransferWithFees", *transfer, "") == text
