"""System parameters: whole numbers that administrators and proposals may change."""

from __future__ import annotations

from dataclasses import dataclass

from streams.chaincode.arguments import UINT64_MAX
from streams.chaincode.call import Call
from streams.chaincode.state import ChaincodeRefused

TRANSACTION_FEE_BPS = "transactionFeeBps"
GENESIS_GRANT = "genesisGrant"
MINIMUM_TRUST_SCORE = "minimumTrustScore"
VOTING_PERIOD_S = "votingPeriodSeconds"
VOTING_QUORUM = "votingQuorum"


@dataclass(frozen=True)
class Parameter:
    """Value before the first change, and the largest one allowed."""

    default: int
    maximum: int = UINT64_MAX


PARAMETERS = {
    TRANSACTION_FEE_BPS: Parameter(default=30, maximum=10_000),
    GENESIS_GRANT: Parameter(default=500_000_000),
    MINIMUM_TRUST_SCORE: Parameter(default=75, maximum=100),
    # 0: no period; votes count until the proposal is executed, which may be at once.
    VOTING_PERIOD_S: Parameter(default=0, maximum=10**9),
    VOTING_QUORUM: Parameter(default=1, maximum=10**9),
}


def parameter(call: Call, name: str) -> int:
    """The value in force. Refused for an unknown name."""
    declared = _declared(name)
    stored = call.read(_key(name))
    return declared.default if stored is None else int(stored)


def checked(name: str, value: str) -> int:
    """The value as a number. Refused for an unknown name or a value that the parameter cannot take."""
    maximum = _declared(name).maximum
    if not (value.isascii() and value.isdigit() and len(value) <= 20 and int(value) <= maximum):
        raise ChaincodeRefused(
            f"invalid value {value} for parameter {name}: must be a whole number from 0 to {maximum}"
        )
    return int(value)


def change(call: Call, name: str, value: str) -> int:
    """Set the parameter; the new value."""
    number = checked(name, value)
    call.write(_key(name), str(number).encode())
    return number


def _declared(name: str) -> Parameter:
    if name not in PARAMETERS:
        raise ChaincodeRefused(f"parameter {name} does not exist")
    return PARAMETERS[name]


def _key(name: str) -> str:
    return f"parameter~{name}"
