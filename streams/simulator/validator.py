"""Which transactions of a block are valid.

Two steps, as in Fabric: what an envelope is by itself (`inspect`: core/common/validation/msgvalidation.go and the
endorsement policy), then what it is at its place in the block (`judge`: duplicates and read versions,
core/committer/txvalidator/v20/validator.go and kvledger's validation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2

from streams.simulator.identities import ENDORSERS, READERS, Membership, UnknownIdentity
from streams.simulator.proposals import transaction_id
from streams.simulator.read_versions import BlockWrites
from streams.simulator.state import WorldState
from streams.simulator.transactions import (
    Action,
    Claim,
    UnreadableTransaction,
    read_action,
)

Code = transaction_pb2.TxValidationCode
VALID = int(Code.VALID)

_CONFIG_TYPES = (common_pb2.HeaderType.CONFIG, common_pb2.HeaderType.CONFIG_UPDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An envelope with the code that it has by itself; `action` is None when it holds no call that could be read."""

    claim: Claim | None
    transaction_id: str
    code: int
    action: Action | None


class Validator:
    """The committing peer's rules for one channel, one chaincode, endorsed by every organisation of `endorsing`."""

    def __init__(self, membership: Membership, channel: str, chaincode: str, endorsing: Sequence[str]) -> None:
        self._membership = membership
        self._channel = channel
        self._chaincode = chaincode
        self._endorsing = frozenset(endorsing)

    def inspect(self, claim: Claim | None) -> Inspected:
        """Everything that does not depend on the ledger."""
        if claim is None:
            return Inspected(claim=None, transaction_id="", code=Code.BAD_PAYLOAD, action=None)
        code = self._headers(claim)
        action = None
        if code == VALID:
            try:
                action = read_action(claim)
            except UnreadableTransaction:
                code = Code.INVALID_ENDORSER_TRANSACTION
        if action is not None:
            code = self._call(action)
        return Inspected(claim=claim, transaction_id=claim.transaction_id, code=code, action=action)

    def judge(
        self,
        block: Sequence[Inspected],
        world: WorldState,
        on_ledger: Callable[[str], bool],
        forced: Callable[[Inspected], int] = lambda _: VALID,
    ) -> list[int]:
        """The code of each envelope of the next block, in order; `forced` may name a conflict where there is none."""
        codes = [_unless_on_ledger(inspected, on_ledger) for inspected in block]
        taken: set[str] = set()
        writes = BlockWrites(world)
        for position, inspected in enumerate(block):
            if codes[position] != VALID or inspected.action is None:
                continue
            # Within a block, only an entry that is good by itself takes the id: a bad twin before it does not.
            if inspected.transaction_id in taken:
                codes[position] = int(Code.DUPLICATE_TXID)
                continue
            taken.add(inspected.transaction_id)
            codes[position] = writes.conflict(inspected.action.results) or forced(inspected)
            if codes[position] == VALID:
                writes.add(inspected.action.results)
        return codes

    def _headers(self, claim: Claim) -> int:
        if claim.header_type != common_pb2.HeaderType.ENDORSER_TRANSACTION:
            return int(Code.UNSUPPORTED_TX_PAYLOAD if claim.header_type in _CONFIG_TYPES else Code.BAD_COMMON_HEADER)
        if claim.epoch or not claim.nonce or not claim.creator:
            return int(Code.BAD_COMMON_HEADER)
        if not self._membership.signed_by(claim.creator, claim.signature, claim.payload, READERS):
            return int(Code.BAD_CREATOR_SIGNATURE)
        if claim.transaction_id != transaction_id(claim.nonce, claim.creator):
            return int(Code.BAD_PROPOSAL_TXID)
        if claim.channel != self._channel:
            return int(Code.TARGET_CHAIN_NOT_FOUND)
        return VALID

    def _call(self, action: Action) -> int:
        if action.chaincode != self._chaincode:
            return int(Code.INVALID_CHAINCODE)
        if any(namespace != self._chaincode for namespace in action.namespaces):
            return int(Code.ILLEGAL_WRITESET)
        if not self._endorsing <= self._endorsers(action):
            return int(Code.ENDORSEMENT_POLICY_FAILURE)
        return VALID

    def _endorsers(self, action: Action) -> set[str]:
        """The organisations of which a peer has signed the response."""
        organisations = set()
        for endorsement in action.endorsements:
            try:
                peer = self._membership.identify(endorsement.endorser)
            except UnknownIdentity:
                continue
            if peer.unit in ENDORSERS and self._membership.verify(
                peer, endorsement.signature, action.response_payload, endorsement.endorser
            ):
                organisations.add(peer.msp_id)
        return organisations


def _unless_on_ledger(inspected: Inspected, on_ledger: Callable[[str], bool]) -> int:
    # The ledger is asked after form and txid, but before the endorsement policy.
    asked = inspected.action is not None
    return int(Code.DUPLICATE_TXID) if asked and on_ledger(inspected.transaction_id) else inspected.code
