"""Payloads as the services of the reference deployment write them; the values are invented."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from typing import Any

COIN = 1_000_000
"""Qirat."""

COUNTRIES = {"MY": ("Malaysia", 0.0042), "DE": ("Germany", 0.0104), "VA": ("Vatican City", 7e-8)}

Payload = dict[str, Any]


class Names:
    """Invented ids, the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  ids of a demonstration

    def user_id(self, country: str) -> str:
        """An on-chain user id: `CC SSS LLLDDD TXXXX NNNN`."""
        letters = "".join(self._random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=7))
        block, digits = f"{self._random.randrange(4096):03X}", f"{self._random.randrange(10**7):07d}"
        return f"{country} {block} {letters[:3]}{digits[:3]} 0{letters[3:]} {digits[3:]}"

    def profile_id(self) -> str:
        """A profile's UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def create_user(user_id: str) -> Payload:
    """CREATE_USER."""
    digest = hashlib.sha256(user_id.encode()).hexdigest()
    return {"userId": user_id, "biometricHash": digest, "nationality": user_id[:2], "age": 35}


def transfer(payer: str, payee: str, amount: int, remark: str | None = None) -> Payload:
    """TRANSFER_TOKENS; `amount` in Qirat."""
    return {"fromUserId": payer, "toUserId": payee, "amount": amount, "remark": remark}


def countries() -> Payload:
    """INITIALIZE_COUNTRY_DATA."""
    rows = [{"code": code, "name": name, "percentage": share} for code, (name, share) in COUNTRIES.items()]
    return {"countriesData": rows}


def as_json(payload: object) -> str:
    """JSON text as a service writes it."""
    return json.dumps(payload, ensure_ascii=False)
