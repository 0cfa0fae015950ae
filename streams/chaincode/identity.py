"""IdentityContract: users."""

from __future__ import annotations

from dataclasses import dataclass

from streams.chaincode.arguments import country_code, identifier, sha256_hex, whole_number
from streams.chaincode.call import Call
from streams.chaincode.genesis import count_user, grant, has_grant, require_country
from streams.chaincode.state import ChaincodeRefused

_TRUST_SCORE_AT_FIRST = 80


@dataclass(frozen=True)
class User:
    """A person; `trust_score` from 0 to 100."""

    biometric_hash: str
    nationality: str
    age: int
    created_at: str
    trust_score: int = _TRUST_SCORE_AT_FIRST


def user_key(user_id: str) -> str:
    """Ledger key of a user."""
    return f"user~{user_id}"


def find_user(call: Call, user_id: str) -> User | None:
    """The user, None when there is none."""
    return call.load(User, user_key(user_id))


def require_user(call: Call, user_id: str) -> User:
    """The user. Refused when there is none."""
    user = find_user(call, user_id)
    if user is None:
        raise ChaincodeRefused(f"the user {user_id} does not exist")
    return user


def create_user(call: Call, user_id: str, biometric_hash: str, nationality: str, age: str) -> object:
    """CreateUser: registers a person, opens the wallet and pays the grant unless it was paid before."""
    identifier(user_id, "userID")
    user = User(
        biometric_hash=sha256_hex(biometric_hash, "biometricHash"),
        nationality=country_code(nationality),
        age=whole_number(age, position=3),
        created_at=call.now,
    )
    if find_user(call, user_id) is not None:
        raise ChaincodeRefused(f"the user {user_id} already exists")
    require_country(call, nationality)
    call.store(user_key(user_id), user)
    count_user(call, nationality)
    granted = 0 if has_grant(call, user_id) else grant(call, user_id, nationality)
    call.announce("UserCreated", userId=user_id, nationality=nationality, genesis=granted)
    return {"userId": user_id, "genesis": granted}


def get_user(call: Call, user_id: str) -> object:
    """GetUser: what is known of a user, without the biometric hash."""
    user = require_user(call, user_id)
    return {
        "userId": user_id,
        "nationality": user.nationality,
        "age": user.age,
        "trustScore": user.trust_score,
        "createdAt": user.created_at,
    }
