"""The grant a person receives once, and the counters of it.

`GlobalCounters` and `stats_<CC>` are read and written by every grant, so two grants in one block conflict. The
reference deployment has these hot keys; they are kept, because a pipeline must be able to live with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.chaincode import accounts
from streams.chaincode.accounts import Kind
from streams.chaincode.arguments import country_code, identifier
from streams.chaincode.call import Call
from streams.chaincode.parameters import GENESIS_GRANT, parameter
from streams.chaincode.state import ChaincodeRefused

_COUNTERS = "GlobalCounters"


@dataclass(frozen=True)
class Counters:
    """Over all countries; `genesis_paid` in Qirat."""

    users: int = 0
    genesis_grants: int = 0
    genesis_paid: int = 0


@dataclass(frozen=True)
class Country:
    """`percentage` is the share of the world's population as it was written, between 0 and 1."""

    percentage: str
    users: int = 0
    genesis_paid: int = 0


def country_key(code: str) -> str:
    """Ledger key of a country's statistics."""
    return f"stats_{code}"


def require_country(call: Call, code: str) -> Country:
    """The country's statistics. Refused before InitializeCountryData named it."""
    country = call.load(Country, country_key(code))
    if country is None:
        raise ChaincodeRefused(
            f"country {code} is not registered in the system, initialize country data before using it"
        )
    return country


def counters(call: Call) -> Counters:
    """The counters over all countries."""
    return call.load(Counters, _COUNTERS) or Counters()


def count_user(call: Call, code: str) -> None:
    """One user more."""
    total, country = counters(call), require_country(call, code)
    call.store(_COUNTERS, replace(total, users=total.users + 1))
    call.store(country_key(code), replace(country, users=country.users + 1))


def has_grant(call: Call, user_id: str) -> bool:
    """Whether the one grant was paid."""
    return call.read(_flag(user_id)) is not None


def grant(call: Call, user_id: str, code: str) -> int:
    """Pay the grant into the user's account, which is opened when there is none; the amount.

    Refused when the id belongs to an account of another kind.
    """
    total, country, amount = counters(call), require_country(call, code), parameter(call, GENESIS_GRANT)
    wallet = accounts.find(call, user_id)
    if wallet is None or wallet.kind != Kind.USER:
        accounts.open_account(call, user_id, Kind.USER)
    accounts.pay(call, accounts.GENESIS_POOL, user_id, amount)
    call.store(
        _COUNTERS,
        replace(total, genesis_grants=total.genesis_grants + 1, genesis_paid=total.genesis_paid + amount),
    )
    call.store(country_key(code), replace(country, genesis_paid=country.genesis_paid + amount))
    call.write(_flag(user_id), call.transaction_id.encode())
    return amount


def distribute_genesis(call: Call, user_id: str, nationality: str) -> object:
    """TokenomicsContract:DistributeGenesis, also for a person who is no user yet."""
    identifier(user_id, "userID")
    require_country(call, country_code(nationality))
    if has_grant(call, user_id):
        raise ChaincodeRefused(f"user {user_id} has already received genesis mint")
    amount = grant(call, user_id, nationality)
    call.announce("GenesisDistributed", userId=user_id, amount=amount)
    return {"userId": user_id, "amount": amount}


def _flag(user_id: str) -> str:
    return f"genesis~{user_id}"
