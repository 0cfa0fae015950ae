"""What the demonstration sends, in an order in which the chaincode accepts it.

Each phase is sent at once, one transaction per command; the next begins when every command of it is final, because
it needs what the ledger made of it: an account, an organisation, the id of a loan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.demo import payloads
from streams.demo.payloads import COIN, Names, Payload

UNKNOWN_TYPE = "TELEPORT_TOKENS"
"""A label that the demonstration adds to the table's enum and that no route knows."""

PAYERS, PAYEES, TRANSFERS = 20, 20, 400
ORGANISATION = "ORG-MY-001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A command to send. `error_code` is the code it must fail with; None: it must be COMMITTED.

    `case` says in words what is wrong with a command that must fail. `label` names it for a later phase.
    """

    command_type: str
    payload: object
    error_code: str | None = None
    case: str = ""
    label: str = ""


@dataclass(slots=True)
class Script:
    """The phases. `results` maps labels to the chaincode's parsed answers, filled between the phases."""

    results: dict[str, Any] = field(default_factory=dict)
    names: Names = field(default_factory=lambda: Names(seed=27))
    users: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.users = [self.names.user_id("MY" if number % 2 else "DE") for number in range(PAYERS + PAYEES)]

    def phases(self) -> Sequence[tuple[str, Callable[[], Iterator[Planned]]]]:
        """(title, commands) in order."""
        return [
            ("bootstrap", self._bootstrap),
            ("countries", self._countries),
            ("users", self._users),
            ("transfers, organisations, loans, proposals, and bad commands", self._everything),
            ("what waited for them", self._followers),
            ("payments of the organisation", self._payments),
            ("their approval", self._approvals),
            ("pause and resume", self._pause),
        ]

    def _bootstrap(self) -> Iterator[Planned]:
        yield Planned(command_type="BOOTSTRAP_SYSTEM", payload={})

    def _countries(self) -> Iterator[Planned]:
        yield Planned(command_type="INITIALIZE_COUNTRY_DATA", payload=payloads.countries())

    def _users(self) -> Iterator[Planned]:
        for user in self.users:
            yield Planned(command_type="CREATE_USER", payload=payloads.create_user(user))
        profile = {"userId": self.names.profile_id(), "userType": "individual", "countryCode": "MY"}
        yield Planned(command_type="DISTRIBUTE_GENESIS", payload=profile)
        yield Planned(
            command_type="UPDATE_SYSTEM_PARAMETER", payload={"paramId": "transactionFeeBps", "newValue": "40"}
        )

    def _everything(self) -> Iterator[Planned]:
        yield from self._organisation()
        yield from self._bad()
        for number in range(TRANSFERS):
            payer = self.users[number % PAYERS]
            payee = self.users[PAYERS + (number + number // PAYERS) % PAYEES]
            amount = (number % 50 + 1) * COIN // 10
            remark = "Rent for December" if number % 3 else None
            yield Planned(command_type="TRANSFER_TOKENS", payload=payloads.transfer(payer, payee, amount, remark))
        yield from self._accounts()

    def _organisation(self) -> Iterator[Planned]:
        stakeholders = self.users[:2]
        organisation: Payload = {"orgId": ORGANISATION}
        proposal = {"orgName": "Harbour Foods", "orgType": "BUSINESS", "stakeholderIds": stakeholders}
        rule = {"amountThreshold": 10 * COIN, "requiredApprovers": 1, "approverGroup": stakeholders}
        yield Planned(command_type="PROPOSE_ORGANIZATION", payload=organisation | proposal)
        for user in stakeholders:
            yield Planned(command_type="ENDORSE_MEMBERSHIP", payload=organisation | {"userId": user})
        yield Planned(command_type="ACTIVATE_ORGANIZATION", payload=organisation)
        yield Planned(command_type="DEFINE_AUTH_RULE", payload=organisation | {"rule": rule})

    def _accounts(self) -> Iterator[Planned]:
        frozen = {"userID": self.names.user_id("MY")}
        yield Planned(command_type="CREATE_USER", payload=payloads.create_user(frozen["userID"]))
        yield Planned(command_type="FREEZE_WALLET", payload=frozen | {"reason": "COMPLIANCE_REVIEW: case 1042"})
        yield Planned(command_type="UNFREEZE_WALLET", payload=frozen)
        borrower, payer, payee = self.users[3], self.users[4], self.users[5]
        loan = {"borrowerId": borrower, "amount": str(10_000 * COIN), "collateralHash": "e3b0c442" * 8}
        yield Planned(command_type="APPLY_FOR_LOAN", payload=loan, label="loan")
        change = {"targetParam": "transactionFeeBps", "newValue": "30", "proposerId": self.names.profile_id()}
        yield Planned(command_type="SUBMIT_PROPOSAL", payload=change, label="proposal")
        yield Planned(command_type="APPLY_VELOCITY_TAX", payload={"accountId": borrower, "taxRateBps": 300})
        correction = {"accountId": "SYSTEM_OPERATIONS_FUND", "amount": COIN, "remark": "Correction 2025-12"}
        yield Planned(command_type="MINT", payload=correction)
        yield Planned(command_type="APPOINT_ADMIN", payload={"newAdminId": self.names.profile_id()})
        yield Planned(command_type="ACTIVATE_TREASURY", payload={"countryCode": "MY"})
        request = {"qsendRequestId": self.names.profile_id(), "qsendRequestCode": "QS-A2B3C4D5"}
        lunch = payloads.transfer(payer, payee, 50, "Q Send: lunch")
        yield Planned(command_type="Q_SEND_PAY", payload=lunch | request)

    def _bad(self) -> Iterator[Planned]:
        payer, payee = self.users[6], self.users[7]
        yield Planned(
            command_type=UNKNOWN_TYPE,
            payload={"fromUserId": payer},
            error_code="UNKNOWN_COMMAND_TYPE",
            case="unknown command type",
        )
        yield Planned(
            command_type="TRANSFER_TOKENS",
            payload=[payer, payee, 5],
            error_code="MALFORMED_PAYLOAD",
            case="payload is not an object",
        )
        yield Planned(
            command_type="TRANSFER_TOKENS",
            payload={"fromUserId": payer, "amount": 5},
            error_code="MISSING_ARGUMENT",
            case="missing argument",
        )
        yield Planned(
            command_type="TRANSFER_TOKENS",
            payload=payloads.transfer(payer, payee, 10**9 * COIN),
            error_code="CHAINCODE_REFUSED",
            case="refused by the chaincode",
        )
        ministry = {"orgId": "ORG-MY-GOV", "orgName": "Ministry", "orgType": "GOVERNMENT", "stakeholderIds": [payer]}
        yield Planned(
            command_type="PROPOSE_ORGANIZATION",
            payload=ministry,
            error_code="CHAINCODE_REFUSED",
            case="identity without the right",
        )

    def _followers(self) -> Iterator[Planned]:
        funding = payloads.transfer(self.users[8], ORGANISATION, 100 * COIN, "Capital")
        yield Planned(command_type="TRANSFER_TOKENS", payload=funding)
        yield Planned(command_type="APPROVE_LOAN", payload={"loanId": self.results["loan"]["loanId"]})
        proposal = {"proposalId": self.results["proposal"]["proposalId"]}
        vote = {"vote": True, "voterId": self.names.profile_id()}
        yield Planned(command_type="CAST_VOTE", payload=proposal | vote)
        yield Planned(command_type="EXECUTE_PROPOSAL", payload=proposal)

    def _payment(self) -> Payload:
        invoice = {"toUserId": self.users[9], "amount": str(40 * COIN), "remark": "Invoice 2025-118"}
        return {"orgId": ORGANISATION} | invoice

    def _payments(self) -> Iterator[Planned]:
        yield Planned(command_type="INITIATE_MULTISIG_TX", payload=self._payment(), label="first payment")
        yield Planned(command_type="INITIATE_MULTISIG_TX", payload=self._payment(), label="second payment")

    def _approvals(self) -> Iterator[Planned]:
        first, second = (self.results[label]["pendingTxId"] for label in ("first payment", "second payment"))
        approval = {"pendingTxId": first, "userId": self.names.profile_id()}
        yield Planned(command_type="APPROVE_MULTISIG_TX", payload=approval)
        yield Planned(command_type="EXECUTE_MULTISIG_TX", payload={"pendingTxId": second} | self._payment())

    def _pause(self) -> Iterator[Planned]:
        reason = "Security incident under investigation"
        yield Planned(command_type="PAUSE_SYSTEM", payload={"reason": reason})
        yield Planned(command_type="RESUME_SYSTEM", payload={})
