"""What each command of the workload must call, and under which identity: the checker's own table.

Written from the table of command types of the reference deployment, not from `schemas/routes.toml`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_ADMIN, _SUPER_ADMIN, _PARTNER = "org1-admin", "org1-super-admin", "org1-partner-api"


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction that must be. Commands of one identity and `ordering_key` keep their order."""

    identity: str
    ordering_key: str
    arguments: tuple[str, ...]


def expected_call(command_type: str, payload: Any) -> Call | None:
    """The call of a command; None when the payload cannot be called with."""
    try:
        return _CALLS[command_type](payload)
    except (KeyError, TypeError):
        return None


def _transfer(payload: Mapping[str, Any]) -> Call:
    payer = payload["fromUserId"]
    remark = payload.get("remark") or "User-initiated transfer"
    moved = (payer, payload["toUserId"], str(payload["amount"]))
    return Call(_ADMIN, payer, ("TokenomicsContract:TransferWithFees", *moved, "", remark, ""))


def _q_send(payload: Mapping[str, Any]) -> Call:
    payer = payload["fromUserId"]
    moved = (payer, payload["toUserId"], str(payload["amount"]))
    code = f"qsend-{payload['qsendRequestCode']}"
    return Call(_PARTNER, payer, ("TokenomicsContract:TransferWithFees", *moved, "P2P", payload["remark"], code))


def _create_user(payload: Mapping[str, Any]) -> Call:
    user = payload["userId"]
    person = (payload["biometricHash"], payload["nationality"], str(payload["age"]))
    return Call(_PARTNER, user, ("IdentityContract:CreateUser", user, *person))


def _mint(payload: Mapping[str, Any]) -> Call:
    account = payload["accountId"]
    made = (str(payload["amount"]), payload["remark"])
    return Call(_SUPER_ADMIN, account, ("TokenomicsContract:Mint", account, *made))


def _freeze(payload: Mapping[str, Any]) -> Call:
    user = payload["userID"]
    return Call(_PARTNER, user, ("TokenomicsContract:FreezeWallet", user, payload["reason"]))


def _unfreeze(payload: Mapping[str, Any]) -> Call:
    user = payload["userID"]
    return Call(_PARTNER, user, ("TokenomicsContract:UnfreezeWallet", user))


def _appoint(payload: Mapping[str, Any]) -> Call:
    admin = payload["newAdminId"]
    return Call(_ADMIN, admin, ("AdminContract:AppointAdmin", admin))


def _bootstrap(_: Mapping[str, Any]) -> Call:
    return Call(_SUPER_ADMIN, "system", ("AdminContract:BootstrapSystem",))


def _countries(payload: Mapping[str, Any]) -> Call:
    listed = [{"countryCode": c["code"], "percentage": c["percentage"]} for c in payload["countriesData"]]
    text = json.dumps(listed, separators=(",", ":"))
    return Call(_SUPER_ADMIN, "system", ("AdminContract:InitializeCountryData", text))


_CALLS: Mapping[str, Callable[[Any], Call]] = {
    "TRANSFER_TOKENS": _transfer,
    "Q_SEND_PAY": _q_send,
    "CREATE_USER": _create_user,
    "MINT": _mint,
    "FREEZE_WALLET": _freeze,
    "UNFREEZE_WALLET": _unfreeze,
    "APPOINT_ADMIN": _appoint,
    "BOOTSTRAP_SYSTEM": _bootstrap,
    "INITIALIZE_COUNTRY_DATA": _countries,
}
