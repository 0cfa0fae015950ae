"""What can go wrong on purpose: one class per kind of fault. Its fields are what the control API takes.

A fault strikes the calls that it is not limited against (`Limits`). What a struck call then sees is that of Fabric
2.5.16, as measured; the hooks are in call_faults.py and part_faults.py, the decision in fault_book.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, TypeAdapter

Chance = Annotated[float, Field(ge=0, le=1)]


class Rpc(StrEnum):
    """What a call asks for; COMMIT is no call but an envelope's turn in its block."""

    ENDORSE = "endorse"
    EVALUATE = "evaluate"
    SUBMIT = "submit"
    COMMIT_STATUS = "commit-status"
    CHAINCODE_EVENTS = "chaincode-events"
    PROPOSE = "propose"
    BROADCAST = "broadcast"
    DELIVER = "deliver"
    COMMIT = "commit"


class When(StrEnum):
    """Before or after the call took effect."""

    BEFORE = "before"
    AFTER = "after"


class Limits(BaseModel):
    """Which calls a fault strikes; without limits, all.

    `identity` is the common name of the caller's certificate, `function` the chaincode's function (`*` and `?` match
    as in file names). A matching call is struck with `probability`, drawn from a generator that starts with `seed`;
    after `count` struck calls the fault is spent. A commit-status request, a stream and the like name no function.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: str | None = None
    function: str | None = None
    count: PositiveInt | None = None
    probability: Chance = 1.0
    seed: int = 0


class RefuseEndorsement(Limits):
    """A peer's chaincode answers with an error: `chaincode response STATUS, MESSAGE`."""

    kind: Literal["refuse-endorsement"] = "refuse-endorsement"
    organisation: str = "Org1MSP"
    status: Annotated[int, Field(ge=400, le=599)] = 500
    message: str = "refused on purpose"


class DifferentEndorsements(Limits):
    """The second peer's endorsement is for another result than the first one's, as that of a peer that lags behind."""

    kind: Literal["different-endorsements"] = "different-endorsements"


class Late(Limits):
    """The call takes effect late, or its answer is late. It takes effect also when its caller has given up."""

    kind: Literal["late"] = "late"
    call: Literal["endorse", "evaluate", "submit", "commit-status"] = "submit"
    when: When = When.AFTER
    delay_s: NonNegativeFloat = 1.0


class LoseAnswer(Limits):
    """Submit: ordered, then the caller hears nothing, hears of a time-out, or loses its connection."""

    kind: Literal["lose-answer"] = "lose-answer"
    answer: Literal["silence", "time-out", "broken"] = "silence"


class LoseTransaction(Limits):
    """Submit: OK, but the transaction is never ordered, as when the orderer is killed right after its OK."""

    kind: Literal["lose-transaction"] = "lose-transaction"


class ForceConflict(Limits):
    """Ordered, then invalid as if another transaction had changed what it read."""

    kind: Literal["force-conflict"] = "force-conflict"
    code: Literal["MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT"] = "MVCC_READ_CONFLICT"


class HoldBlocks(Limits):
    """The block with a struck transaction, and all after it, is held back: `for_s` seconds, or until removed."""

    kind: Literal["hold-blocks"] = "hold-blocks"
    for_s: PositiveFloat | None = None


class DropConnection(Limits):
    """The connection of the call breaks, before or after the call took effect, and with it every call on it."""

    kind: Literal["drop-connection"] = "drop-connection"
    call: Literal["endorse", "evaluate", "submit", "commit-status", "chaincode-events", "propose"] | None = None
    when: When = When.BEFORE


class Restart(Limits):
    """A part goes away and comes back: at once, or with the first struck call if the fault is limited.

    The gateway refuses connections for `down_s`, then finds no other peers for `warm_up_s`. The orderer refuses
    connections for `down_s`, then has no leader for `warm_up_s`; what it had taken and not ordered is lost.
    """

    kind: Literal["restart"] = "restart"
    part: Literal["gateway", "orderer"] = "gateway"
    when: When = When.AFTER
    down_s: NonNegativeFloat = 1.0
    warm_up_s: NonNegativeFloat = 1.5

    @property
    def waits_for_a_call(self) -> bool:
        """Whether it is limited, and so begins with a call."""
        return self.identity is not None or self.function is not None or self.count is not None or self.probability < 1


class PeerDown(Limits):
    """The other organisation's peer is down. The gateway does not notice for `unnoticed_s`."""

    kind: Literal["peer-down"] = "peer-down"
    unnoticed_s: NonNegativeFloat = 2.0


class PeerHangs(Limits):
    """The other organisation's peer takes calls and does not answer."""

    kind: Literal["peer-hangs"] = "peer-hangs"


class OrdererDown(Limits):
    """Nobody listens at the orderer's address."""

    kind: Literal["orderer-down"] = "orderer-down"


class OrdererLeaderless(Limits):
    """The orderer answers, but has no raft leader yet."""

    kind: Literal["orderer-leaderless"] = "orderer-leaderless"


class OrdererHangs(Limits):
    """The orderer takes envelopes and does not answer; when it goes on, it orders each with chance `orders`."""

    kind: Literal["orderer-hangs"] = "orderer-hangs"
    orders: Chance = 1.0


class ChaincodeDown(Limits):
    """Nobody listens at the chaincode server's address."""

    kind: Literal["chaincode-down"] = "chaincode-down"


class ChaincodeDies(Limits):
    """The chaincode server dies during the call."""

    kind: Literal["chaincode-dies"] = "chaincode-dies"


class ChaincodeSlow(Limits):
    """The chaincode answers every peer `delay_s` later, or too late for the peer's or the gateway's time-out."""

    kind: Literal["chaincode-slow"] = "chaincode-slow"
    delay_s: NonNegativeFloat = 1.0


class GatewayLimit(Limits):
    """The call is refused as if every slot of the gateway were taken."""

    kind: Literal["gateway-limit"] = "gateway-limit"


class ClockSkew(Limits):
    """The network's clocks are `skew_s` ahead of the caller's (behind, if negative)."""

    kind: Literal["clock-skew"] = "clock-skew"
    skew_s: float


class ExpiredCertificate(Limits):
    """The caller's certificate has run out, for the parts that look."""

    kind: Literal["expired-certificate"] = "expired-certificate"


Fault = (
    RefuseEndorsement
    | DifferentEndorsements
    | Late
    | LoseAnswer
    | LoseTransaction
    | ForceConflict
    | HoldBlocks
    | DropConnection
    | Restart
    | PeerDown
    | PeerHangs
    | OrdererDown
    | OrdererLeaderless
    | OrdererHangs
    | ChaincodeDown
    | ChaincodeDies
    | ChaincodeSlow
    | GatewayLimit
    | ClockSkew
    | ExpiredCertificate
)
KINDS: tuple[type[Fault], ...] = Fault.__args__

_READER: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])


def read_fault(fields: object) -> Fault:
    """A fault from its fields, numbers also as text. Raises ValueError that names the wrong field."""
    return _READER.validate_python(fields)
