"""OrganizationContract and TokenomicsContract: an organisation's payments, each approved by enough certificates.

Approvals count certificates by common name. The one that executes counts as well, so with shared identities a rule
of one approver is met by one approval (which then executes), a rule of two by an approval and an execution under
another identity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from streams.chaincode import accounts
from streams.chaincode.arguments import UINT64_MAX, amount, parsed_json, wrong_format
from streams.chaincode.call import Call, decode
from streams.chaincode.organization import Organization, require_verified
from streams.chaincode.state import ChaincodeRefused


class PaymentStatus(StrEnum):
    """How far a payment has come."""

    PENDING = "PENDING"
    EXECUTED = "EXECUTED"


@dataclass(frozen=True)
class AuthRule:
    """Payments of `amount_threshold` Qirat or more need `required_approvers`."""

    amount_threshold: int
    required_approvers: int
    approver_group: tuple[str, ...]


@dataclass(frozen=True)
class Payment:
    """A payment that waits for approvals; `amount` in Qirat, `approved_by` common names."""

    org_id: str
    to_user_id: str
    amount: int
    remark: str
    required_approvers: int
    approved_by: tuple[str, ...] = ()
    status: str = PaymentStatus.PENDING


def define_auth_rule(call: Call, org_id: str, rule_json: str) -> object:
    """DefineAuthRule: {amountThreshold, requiredApprovers, approverGroup}; replaces the rule of that threshold."""
    organization = require_verified(call, org_id)
    rule = _rule(rule_json, organization)
    # Zero-padded, so that the order of the keys is the order of the thresholds.
    call.store(f"{_rules(org_id)}{rule.amount_threshold:020d}", rule)
    call.announce("AuthRuleDefined", orgId=org_id, amountThreshold=rule.amount_threshold)
    return {"orgId": org_id, "amountThreshold": rule.amount_threshold}


def initiate_multisig_tx(call: Call, org_id: str, to_user_id: str, amount_text: str, remark: str) -> object:
    """InitiateMultiSigTx: the answer's `pendingTxId` is PENDING_TX_ and 8 digits of the transaction id."""
    qirat = amount(amount_text, position=2)
    require_verified(call, org_id)
    accounts.require(call, to_user_id)
    rule = _rule_for(call, org_id, qirat)
    pending_id = call.new_id("PENDING_TX")
    if call.read(_key(pending_id)) is not None:
        raise ChaincodeRefused(f"pending transaction {pending_id} already exists")
    call.store(_key(pending_id), Payment(org_id, to_user_id, qirat, remark, rule.required_approvers))
    call.announce("MultiSigTxInitiated", pendingTxId=pending_id, orgId=org_id, amount=qirat)
    return {"pendingTxId": pending_id, "requiredApprovers": rule.required_approvers}


def approve_multisig_tx(call: Call, pending_id: str) -> object:
    """ApproveMultiSigTx: the last approval executes the payment, or is refused with it."""
    payment = _require_pending(call, pending_id)
    if call.client_name in payment.approved_by:
        raise ChaincodeRefused(f"transaction {pending_id} already approved by {call.client_name}")
    payment = replace(payment, approved_by=(*payment.approved_by, call.client_name))
    if len(payment.approved_by) >= payment.required_approvers:
        payment = _execute(call, payment)
    call.store(_key(pending_id), payment)
    call.announce("MultiSigTxApproved", pendingTxId=pending_id, status=payment.status)
    return {"pendingTxId": pending_id, "approvals": len(payment.approved_by), "status": payment.status}


def transfer_from_organization(
    call: Call, org_id: str, to_user_id: str, amount_text: str, remark: str, pending_id: str
) -> object:
    """TransferFromOrganization: executes exactly the payment that was initiated, the caller's approval included."""
    qirat = amount(amount_text, position=2)
    payment = _require_pending(call, pending_id)
    if (payment.org_id, payment.to_user_id, payment.amount) != (org_id, to_user_id, qirat):
        raise ChaincodeRefused(f"pending transaction {pending_id} is another payment")
    if call.client_name not in payment.approved_by:
        payment = replace(payment, approved_by=(*payment.approved_by, call.client_name))
    if len(payment.approved_by) < payment.required_approvers:
        raise ChaincodeRefused(
            f"pending transaction {pending_id} has {len(payment.approved_by)} of {payment.required_approvers} approvals"
        )
    call.store(_key(pending_id), _execute(call, payment))
    call.announce("OrganizationTransferCompleted", pendingTxId=pending_id, orgId=org_id, amount=qirat, remark=remark)
    return {"pendingTxId": pending_id, "status": PaymentStatus.EXECUTED}


def get_multisig_tx(call: Call, pending_id: str) -> object:
    """GetMultiSigTx: the payment and who approved it."""
    payment = _require(call, pending_id)
    return {
        "pendingTxId": pending_id,
        "orgId": payment.org_id,
        "toUserId": payment.to_user_id,
        "amount": payment.amount,
        "requiredApprovers": payment.required_approvers,
        "approvedBy": payment.approved_by,
        "status": payment.status,
    }


def _execute(call: Call, payment: Payment) -> Payment:
    try:
        accounts.pay(call, payment.org_id, payment.to_user_id, payment.amount)
    except ChaincodeRefused as refusal:
        raise ChaincodeRefused(f"execution failed: {refusal.message}") from refusal
    return replace(payment, status=PaymentStatus.EXECUTED)


def _rule(rule_json: str, organization: Organization) -> AuthRule:
    rule = _parsed_rule(rule_json)
    for who in rule.approver_group:
        if who not in organization.stakeholders:
            raise ChaincodeRefused(f"approver {who} is not a stakeholder")
    if not 1 <= rule.required_approvers <= len(rule.approver_group):
        raise ChaincodeRefused(
            f"requiredApprovers must be from 1 to {len(rule.approver_group)}, the size of the approver group"
        )
    return rule


def _parsed_rule(rule_json: str) -> AuthRule:
    match parsed_json(rule_json, "domain.AuthRule", position=1):
        case {
            "amountThreshold": int(threshold),
            "requiredApprovers": int(required),
            "approverGroup": [*group],
        } if 0 <= threshold <= UINT64_MAX and all(isinstance(who, str) for who in group):
            return AuthRule(threshold, required, tuple(group))
        case _:
            raise wrong_format(rule_json, "domain.AuthRule", position=1)


def _rule_for(call: Call, org_id: str, qirat: int) -> AuthRule:
    """The rule with the highest threshold that the amount reaches."""
    rules = [decode(AuthRule, value) for _, value in call.scan(_rules(org_id))]
    reached = [rule for rule in rules if rule.amount_threshold <= qirat]
    if not reached:
        raise ChaincodeRefused(f"no multi-sig rule applies to {qirat} of organization {org_id}")
    return reached[-1]


def _require(call: Call, pending_id: str) -> Payment:
    payment = call.load(Payment, _key(pending_id))
    if payment is None:
        raise ChaincodeRefused(f"pending transaction {pending_id} not found")
    return payment


def _require_pending(call: Call, pending_id: str) -> Payment:
    payment = _require(call, pending_id)
    if payment.status != PaymentStatus.PENDING:
        raise ChaincodeRefused(f"pending transaction {pending_id} is not pending")
    return payment


def _rules(org_id: str) -> str:
    return f"rule~{org_id}~"


def _key(pending_id: str) -> str:
    return f"pending~{pending_id}"
