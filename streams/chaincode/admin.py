"""AdminContract: start, countries, pause, parameters, administrators, treasuries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from streams.chaincode import accounts
from streams.chaincode.accounts import Kind
from streams.chaincode.arguments import country_code, identifier, not_blank, parsed_json, wrong_format
from streams.chaincode.call import Call
from streams.chaincode.genesis import Country, counters, country_key, require_country
from streams.chaincode.parameters import change, parameter
from streams.chaincode.state import ChaincodeRefused
from streams.chaincode.system import (
    SystemStatus,
    require_bootstrapped,
    require_running,
    set_system_status,
    system_status,
)
from streams.chaincode.tokenomics import record_minted

# Sizes of this reference, not of any deployment: large enough that no test empties them, below 2^63.
_POOLS = {
    accounts.GENESIS_POOL: 500_000_000_000_000_000,
    accounts.LOAN_POOL: 300_000_000_000_000_000,
    accounts.OPERATIONS_FUND: 0,
}
_COUNTRIES = "[]domain.CountryData"


@dataclass(frozen=True)
class Administrator:
    """Appointed by the certificate `appointed_by`."""

    appointed_by: str
    appointed_at: str


@dataclass(frozen=True)
class Treasury:
    """A country's treasury, active since `activated_at`; before that it is locked and not on the ledger."""

    activated_at: str


def bootstrap_system(call: Call) -> object:
    """BootstrapSystem: opens the system's funds and fills them, once."""
    if system_status(call).bootstrapped:
        raise ChaincodeRefused("system is already bootstrapped")
    set_system_status(call, SystemStatus(bootstrapped=True))
    for fund, qirat in _POOLS.items():
        accounts.open_account(call, fund, Kind.SYSTEM, qirat)
    record_minted(call, sum(_POOLS.values()))
    call.announce("SystemBootstrapped", minted=sum(_POOLS.values()))
    return {"bootstrapped": True}


def initialize_country_data(call: Call, countries_json: str) -> object:
    """InitializeCountryData: a JSON list of {countryCode, percentage}; a known country keeps its counts."""
    require_bootstrapped(call)
    countries = _countries(countries_json)
    for code, percentage in countries.items():
        known = call.load(Country, country_key(code))
        new = Country(percentage) if known is None else replace(known, percentage=percentage)
        call.store(country_key(code), new)
    call.announce("CountryDataInitialized", countries=len(countries))
    return {"countries": len(countries)}


def update_system_parameter(call: Call, param_id: str, new_value: str) -> object:
    """UpdateSystemParameter: a known parameter, a whole number."""
    value = change(call, param_id, new_value)
    call.announce("SystemParameterUpdated", paramId=param_id, newValue=value)
    return {"paramId": param_id, "value": value}


def pause_system(call: Call, reason: str) -> object:
    """PauseSystem: money stops moving until ResumeSystem."""
    require_running(call)
    not_blank(reason, "reason")
    set_system_status(call, replace(system_status(call), paused_because=reason))
    call.announce("SystemPaused", reason=reason)
    return {"paused": True}


def resume_system(call: Call) -> object:
    """ResumeSystem: money moves again."""
    status = require_bootstrapped(call)
    if status.paused_because is None:
        raise ChaincodeRefused("system is not paused")
    set_system_status(call, replace(status, paused_because=None))
    call.announce("SystemResumed")
    return {"paused": False}


def appoint_admin(call: Call, new_admin_id: str) -> object:
    """AppointAdmin: somebody else than oneself, once."""
    identifier(new_admin_id, "newAdminID")
    if new_admin_id == call.client_name:
        raise ChaincodeRefused("self-appointment is not allowed")
    if call.read(f"admin~{new_admin_id}") is not None:
        raise ChaincodeRefused(f"{new_admin_id} is already an admin")
    call.store(f"admin~{new_admin_id}", Administrator(call.client_name, call.now))
    call.announce("AdminAppointed", adminId=new_admin_id)
    return {"adminId": new_admin_id}


def activate_treasury_account(call: Call, code: str) -> object:
    """ActivateTreasuryAccount: opens the account `treasury_<CC>` of a registered country."""
    require_country(call, country_code(code))
    treasury_id = f"treasury_{code}"
    if call.read(treasury_id) is not None:
        raise ChaincodeRefused(f"treasury not locked: {treasury_id}")
    call.store(treasury_id, Treasury(call.now))
    accounts.open_account(call, treasury_id, Kind.TREASURY)
    call.announce("TreasuryActivated", treasuryId=treasury_id)
    return {"treasuryId": treasury_id}


def get_system_status(call: Call) -> object:
    """GetSystemStatus: bootstrapped, paused and why, and the counters."""
    status, total = system_status(call), counters(call)
    return {
        "bootstrapped": status.bootstrapped,
        "paused": status.paused_because is not None,
        "reason": status.paused_because,
        "users": total.users,
        "genesisGrants": total.genesis_grants,
        "genesisPaid": total.genesis_paid,
    }


def get_system_parameter(call: Call, param_id: str) -> object:
    """GetSystemParameter: the value in force."""
    return parameter(call, param_id)


def get_country_stats(call: Call, code: str) -> object:
    """GetCountryStats: share of the population, users, grants paid."""
    country = require_country(call, code)
    return {
        "countryCode": code,
        "percentage": country.percentage,
        "users": country.users,
        "genesisPaid": country.genesis_paid,
    }


def _countries(countries_json: str) -> dict[str, str]:
    """Country code -> percentage, as text."""
    refused = wrong_format(countries_json, _COUNTRIES, position=0)
    listed = parsed_json(countries_json, _COUNTRIES, position=0)
    if not isinstance(listed, list):
        raise refused
    countries: dict[str, str] = {}
    for entry in listed:
        match entry:
            case {"countryCode": str(code), "percentage": Decimal() | int() as share} if 0 <= share <= 1:
                countries[country_code(code)] = str(share)
            case _:
                raise refused
    return countries
