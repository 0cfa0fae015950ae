"""OrganizationContract: organisations and their members.

The contracts of the reference deployment ask each stakeholder's own certificate. The pipeline signs with shared
identities, so a certificate that names no stakeholder endorses for the next one who has not: one call per member.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from streams.chaincode import accounts
from streams.chaincode.accounts import Kind
from streams.chaincode.arguments import identifier, not_blank, parsed_json, wrong_format
from streams.chaincode.call import Call
from streams.chaincode.identity import find_user
from streams.chaincode.state import ChaincodeRefused


class OrganizationStatus(StrEnum):
    """How far an organisation has come."""

    PENDING_ENDORSEMENT = "PENDING_ENDORSEMENT"
    VERIFIED = "VERIFIED"


@dataclass(frozen=True)
class Organization:
    """`endorsed` holds the stakeholders who have agreed, in the order in which they did."""

    name: str
    organization_type: str
    stakeholders: tuple[str, ...]
    endorsed: tuple[str, ...] = ()
    status: str = OrganizationStatus.PENDING_ENDORSEMENT


def require_organization(call: Call, org_id: str) -> Organization:
    """The organisation. Refused when there is none."""
    organization = call.load(Organization, _key(org_id))
    if organization is None:
        raise ChaincodeRefused(f"organization {org_id} does not exist")
    return organization


def require_verified(call: Call, org_id: str) -> Organization:
    """The organisation. Refused before ActivateOrganization."""
    organization = require_organization(call, org_id)
    if organization.status != OrganizationStatus.VERIFIED:
        raise ChaincodeRefused(f"organization not verified: {org_id}")
    return organization


def propose_organization(call: Call, org_id: str, name: str, organization_type: str, stakeholder_ids: str) -> object:
    """ProposeOrganization: `stakeholder_ids` is a JSON list of users."""
    identifier(org_id, "orgID")
    not_blank(name, "orgName")
    not_blank(organization_type, "orgType")
    stakeholders = _stakeholders(call, stakeholder_ids)
    if call.load(Organization, _key(org_id)) is not None or accounts.find(call, org_id) is not None:
        raise ChaincodeRefused(f"organization {org_id} already exists")
    call.store(_key(org_id), Organization(name, organization_type, stakeholders))
    call.announce("OrganizationProposed", orgId=org_id, orgName=name, orgType=organization_type)
    return {"orgId": org_id, "status": OrganizationStatus.PENDING_ENDORSEMENT}


def endorse_membership(call: Call, org_id: str) -> object:
    """EndorseMembership: one stakeholder agrees."""
    organization = _require_pending(call, org_id)
    stakeholder = _who_endorses(call, organization)
    call.store(_key(org_id), replace(organization, endorsed=(*organization.endorsed, stakeholder)))
    call.announce("MembershipEndorsed", orgId=org_id, stakeholderId=stakeholder)
    return {"orgId": org_id, "stakeholderId": stakeholder}


def activate_organization(call: Call, org_id: str) -> object:
    """ActivateOrganization: once every stakeholder has agreed; opens the account."""
    organization = _require_pending(call, org_id)
    for stakeholder in organization.stakeholders:
        if stakeholder not in organization.endorsed:
            raise ChaincodeRefused(f"stakeholder {stakeholder} has not endorsed")
    call.store(_key(org_id), replace(organization, status=OrganizationStatus.VERIFIED))
    accounts.open_account(call, org_id, Kind.ORGANIZATION)
    call.announce("OrganizationActivated", orgId=org_id)
    return {"orgId": org_id, "status": OrganizationStatus.VERIFIED}


def get_organization(call: Call, org_id: str) -> object:
    """GetOrganization: members and status."""
    organization = require_organization(call, org_id)
    return {
        "orgId": org_id,
        "orgName": organization.name,
        "orgType": organization.organization_type,
        "stakeholderIds": organization.stakeholders,
        "endorsedBy": organization.endorsed,
        "status": organization.status,
    }


def _require_pending(call: Call, org_id: str) -> Organization:
    organization = require_organization(call, org_id)
    if organization.status != OrganizationStatus.PENDING_ENDORSEMENT:
        raise ChaincodeRefused(f"organization not pending endorsement: {org_id}")
    return organization


def _who_endorses(call: Call, organization: Organization) -> str:
    if call.client_name in organization.endorsed:
        raise ChaincodeRefused(f"membership already endorsed by {call.client_name}")
    waiting = [who for who in organization.stakeholders if who not in organization.endorsed]
    if not waiting:
        raise ChaincodeRefused("membership already endorsed by every stakeholder")
    return call.client_name if call.client_name in waiting else waiting[0]


def _stakeholders(call: Call, stakeholder_ids: str) -> tuple[str, ...]:
    listed = parsed_json(stakeholder_ids, "[]string", position=3)
    if not isinstance(listed, list) or not all(isinstance(who, str) for who in listed):
        raise wrong_format(stakeholder_ids, "[]string", position=3)
    if not listed:
        raise ChaincodeRefused("stakeholderIDs cannot be empty")
    if len(set(listed)) < len(listed):
        raise ChaincodeRefused("stakeholderIDs must not repeat")
    for who in listed:
        if find_user(call, who) is None:
            raise ChaincodeRefused(f"stakeholder {who} does not exist")
    return tuple(listed)


def _key(org_id: str) -> str:
    return f"organization~{org_id}"
