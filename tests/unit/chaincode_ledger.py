"""A ledger in memory that runs the reference chaincode, one transaction per call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from streams.chaincode.contracts import CONTRACTS
from streams.chaincode.memory import MemoryState
from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.roles import ANY_ROLE, load_roles
from streams.chaincode.state import ChaincodeRefused, Creator

HASH = "50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c"
COUNTRIES = '[{"countryCode":"MY","percentage":0.0042},{"countryCode":"DE","percentage":7e-8}]'
STARTED_AT = datetime(2025, 12, 1, 4, 0, 0, 250_000, tzinfo=UTC)


def creator(role: str | None, name: str | None = None) -> Creator:
    """A certificate of Org1 with that role; its name follows from the role."""
    attributes = {} if role is None else {"gxc_role": role}
    return Creator(msp_id="Org1MSP", name=name or f"client-{role}", attributes=attributes)


SUPER_ADMIN, ADMIN, PARTNER = (creator(role) for role in ("gx_super_admin", "gx_admin", "gx_partner_api"))


def full_name(function: str) -> str:
    """`CreateUser` -> `IdentityContract:CreateUser`."""
    return next(f"{contract}:{function}" for contract, functions in CONTRACTS.items() if function in functions)


class Ledger:
    """`entries` is the committed state; `passed_s` moves the clock of the proposals."""

    def __init__(self, roles: str = "operations") -> None:
        self.roles = load_roles(roles)
        self.chaincode = ReferenceChaincode(self.roles)
        self.entries: dict[str, bytes] = {}
        self.transactions = 0
        self.passed_s = 0

    def state(self, by: Creator, command_id: str | None = None) -> MemoryState:
        """The next transaction, not yet run."""
        self.transactions += 1
        return MemoryState(
            self.entries,
            transaction_id=sha256(str(self.transactions).encode()).hexdigest(),
            timestamp=STARTED_AT + timedelta(seconds=self.passed_s),
            creator=by,
            transient={} if command_id is None else {"command_id": command_id.encode()},
        )

    def simulate(
        self, function: str, *arguments: str, by: Creator | None = None, command_id: str | None = None
    ) -> MemoryState:
        """Run without committing; under an identity that may, unless told which."""
        state = self.state(by or self.who_may(function), command_id)
        self.chaincode.invoke(full_name(function), arguments, state)
        return state

    def call(self, function: str, *arguments: str, by: Creator | None = None, command_id: str | None = None) -> Any:
        """Run and commit; the parsed answer."""
        state = self.state(by or self.who_may(function), command_id)
        answer = self.chaincode.invoke(full_name(function), arguments, state)
        state.apply()
        return json.loads(answer)

    def refusal(self, function: str, *arguments: str, by: Creator | None = None, command_id: str | None = None) -> str:
        """The text of the refusal, which has changed nothing."""
        state = self.state(by or self.who_may(function), command_id)
        with pytest.raises(ChaincodeRefused) as refused:
            self.chaincode.invoke(full_name(function), arguments, state)
        assert state.writes == {}
        assert state.event is None
        return refused.value.message

    def who_may(self, function: str) -> Creator:
        """The first identity that the roles allow."""
        roles = self.roles.allowed.get(full_name(function), ANY_ROLE)
        return creator(roles[0]) if roles is not ANY_ROLE else PARTNER

    def balance(self, account_id: str) -> int:
        """What the ledger says an account holds."""
        balance = self.call("GetBalance", account_id)
        assert isinstance(balance, int)
        return balance


def running_ledger(roles: str = "operations") -> Ledger:
    """Bootstrapped, two countries, the users alice, bob and carol with their grants of 500 coins."""
    ledger = Ledger(roles)
    ledger.call("BootstrapSystem")
    ledger.call("InitializeCountryData", COUNTRIES)
    for user, country in (("alice", "MY"), ("bob", "DE"), ("carol", "MY")):
        ledger.call("CreateUser", user, HASH, country, "35")
    return ledger


def with_organization(ledger: Ledger, required_approvers: int = 1) -> str:
    """The id of a pending payment of 100 coins to carol by the organisation ORG-1, which holds 1,000 coins."""
    ledger.call("ProposeOrganization", "ORG-1", "Harbour Foods", "BUSINESS", '["alice","bob"]')
    ledger.call("EndorseMembership", "ORG-1")
    ledger.call("EndorseMembership", "ORG-1")
    ledger.call("ActivateOrganization", "ORG-1")
    rule = {"amountThreshold": 1_000_000, "requiredApprovers": required_approvers, "approverGroup": ["alice", "bob"]}
    ledger.call("DefineAuthRule", "ORG-1", json.dumps(rule))
    ledger.call("Mint", "ORG-1", "1000000000", "Capital")
    pending_id = ledger.call("InitiateMultiSigTx", "ORG-1", "carol", "100000000", "Invoice 118")["pendingTxId"]
    assert isinstance(pending_id, str)
    return pending_id
