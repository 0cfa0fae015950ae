"""What can go wrong on purpose: one class per kind of fault. Its fields are what the control API takes.

A fault strikes the calls that it is not limited against (`Limits`). What a struck call then sees is that of Fabric
2.5.16, as measured; the hooks are in call_faults.py and part_faults.py, the decision in fault_book.py.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Unpack

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError
from pydantic_core import ErrorDetails

Chance = Annotated[float, Field(ge=0, le=1)]
Organisation = Literal["Org1MSP", "Org2MSP"]
"""Those of `streams.simulator.config.ORGANISATIONS`."""


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

    `identity` is the common name of the caller's certificate, `function` the chaincode's `Contract:Function` (`*` and
    `?` match as in file names). A matching call is struck with `probability`, drawn from a generator that starts with
    `seed`; after `count` struck calls the fault is spent. A commit-status request, a stream and the like name no
    function.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: str | None = None
    function: str | None = None
    count: PositiveInt | None = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0


class Fault(Limits):
    """One kind of fault each; `kind` is the name of the class, as in `late` and `peer-down`."""

    kind: ClassVar[str]

    def __init_subclass__(cls, **options: Unpack[ConfigDict]) -> None:
        super().__init_subclass__(**options)
        cls.kind = re.sub(r"(?<=.)(?=[A-Z])", "-", cls.__name__).lower()


class RefuseEndorsement(Fault):
    """A peer's chaincode answers with an error: `chaincode response STATUS, MESSAGE`."""

    organisation: Organisation = "Org1MSP"
    status: Annotated[int, Field(ge=400, le=599)] = 500
    message: str = "refused on purpose"


class DifferentEndorsements(Fault):
    """The second peer's endorsement is for another result than the first one's, as that of a peer that lags behind."""


class Late(Fault):
    """The call takes effect late, or its answer is late. It takes effect also when its caller has given up."""

    call: Literal["endorse", "evaluate", "submit", "commit-status"] = "submit"
    when: When = When.AFTER
    delay_s: NonNegativeFloat = 1.0


class LoseAnswer(Fault):
    """Submit: ordered, then the caller hears nothing, hears of a time-out, or loses its connection."""

    answer: Literal["silence", "time-out", "broken"] = "silence"


class LoseTransaction(Fault):
    """Submit: OK, but the transaction is never ordered, as when the orderer is killed right after its OK."""


class ForceConflict(Fault):
    """Ordered, then invalid as if another transaction had changed what it read."""

    code: Literal["MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT"] = "MVCC_READ_CONFLICT"


class HoldBlocks(Fault):
    """The block with a struck transaction, and all after it, is held back: `for_s` seconds, or until removed."""

    for_s: PositiveFloat | None = None


class DropConnection(Fault):
    """The connection of the call breaks, before or after the call took effect, and with it every call on it."""

    call: Literal["endorse", "evaluate", "submit", "commit-status", "chaincode-events", "propose"] | None = None
    when: When = When.BEFORE


class Restart(Fault):
    """A part goes away and comes back: at once, or with the first struck call if the fault is limited.

    The gateway refuses connections for `down_s`, then finds no other peers for `warm_up_s`. The orderer refuses
    connections for `down_s`, then has no leader for `warm_up_s`; what it had taken and not ordered is lost.
    """

    part: Literal["gateway", "orderer"] = "gateway"
    when: When = When.AFTER
    down_s: NonNegativeFloat = 1.0
    warm_up_s: NonNegativeFloat = 1.5

    @property
    def waits_for_a_call(self) -> bool:
        """Whether it is limited, and so begins with a call."""
        return self.identity is not None or self.function is not None or self.count is not None or self.probability < 1


class PeerDown(Fault):
    """The other organisation's peer is down. The gateway does not notice for `unnoticed_s`."""

    unnoticed_s: NonNegativeFloat = 2.0


class PeerHangs(Fault):
    """The other organisation's peer takes calls and does not answer."""


class OrdererDown(Fault):
    """Nobody listens at the orderer's address."""


class OrdererLeaderless(Fault):
    """The orderer answers, but has no raft leader yet."""


class OrdererHangs(Fault):
    """The orderer takes envelopes and does not answer; when it goes on, it orders each with chance `orders`."""

    orders: Chance = 1.0


class ChaincodeDown(Fault):
    """Nobody listens at the chaincode server's address."""


class ChaincodeDies(Fault):
    """The chaincode server dies during the call."""


class ChaincodeSlow(Fault):
    """The chaincode answers every peer `delay_s` later, or too late for the peer's or the gateway's time-out."""

    delay_s: NonNegativeFloat = 1.0


class GatewayLimit(Fault):
    """The call is refused as if every slot of the gateway were taken."""


class ClockSkew(Fault):
    """The network's clocks are `skew_s` ahead of the caller's (behind, if negative)."""

    skew_s: float


class ExpiredCertificate(Fault):
    """The caller's certificate has run out, for the parts that look."""


KINDS: tuple[type[Fault], ...] = (
    RefuseEndorsement,
    DifferentEndorsements,
    Late,
    LoseAnswer,
    LoseTransaction,
    ForceConflict,
    HoldBlocks,
    DropConnection,
    Restart,
    PeerDown,
    PeerHangs,
    OrdererDown,
    OrdererLeaderless,
    OrdererHangs,
    ChaincodeDown,
    ChaincodeDies,
    ChaincodeSlow,
    GatewayLimit,
    ClockSkew,
    ExpiredCertificate,
)
_BY_NAME = {kind.kind: kind for kind in KINDS}


def read_fault(fields: object) -> Fault:
    """A fault from its fields, numbers also as text. Raises ValueError that names the wrong field."""
    if not isinstance(fields, dict):
        raise ValueError("a fault is an object with a kind")
    kind = _BY_NAME.get(str(fields.get("kind")))
    if kind is None:
        raise ValueError(f"no kind of fault is called {fields.get('kind')!r}; there are {', '.join(_BY_NAME)}")
    try:
        return kind.model_validate({name: value for name, value in fields.items() if name != "kind"})
    except ValidationError as error:
        raise ValueError("; ".join(_explained(kind, problem) for problem in error.errors())) from error


def _explained(kind: type[Fault], problem: ErrorDetails) -> str:
    """What is wrong with a field."""
    field = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "missing":
            return f"{field}: {kind.kind} needs it"
        case "extra_forbidden":
            return f"{field}: {kind.kind} has no such field; it has {', '.join(kind.model_fields)}"
    return f"{field}: {problem['msg'].replace('Input should be', 'must be')}"
