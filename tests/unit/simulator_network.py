"""A simulated network without sockets: two organisations, a member, a tiny chaincode, a ledger in a folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2
from simulator_member import Member, SignedProposal

from streams.chaincode.state import ChaincodeRefused, State
from streams.simulator.blocks import BlockFile
from streams.simulator.certificates import Authority
from streams.simulator.commit_faults import CommitFaults
from streams.simulator.committer import Committer
from streams.simulator.config import ORGANISATIONS
from streams.simulator.endorser import Endorser, Peer
from streams.simulator.fault_book import FaultBook
from streams.simulator.genesis import genesis_block
from streams.simulator.identities import Membership, Signer, serialize
from streams.simulator.ledger import Ledger
from streams.simulator.part_faults import Changes
from streams.simulator.proposals import prepare_transaction, read_proposal
from streams.simulator.transactions import Ordered
from streams.simulator.validator import Validator

CHANNEL = "gxchannel"
CHAINCODE = "gxtv3"


class Notes:
    """Keys that hold texts; every function is one habit of a real chaincode."""

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes:
        match function, *arguments:
            case "write", key, text:
                state.put(key, text.encode())
            case "append", key, text:
                state.put(key, (state.get(key) or b"") + text.encode())
            case "remove", key:
                state.delete(key)
            case "list", start, end:
                keys = [key for key, _ in state.range(start, end)]
                state.put(f"seen-by-{state.transaction_id}", b"x")
                return ",".join(keys).encode()
            case "first", start, end:
                key, _ = next(state.range(start, end))
                state.put(f"seen-by-{state.transaction_id}", b"x")
                return key.encode()
            case "announce", name, text:
                state.set_event(name, text.encode())
            case _:
                raise ChaincodeRefused(f"no such function {function}")
        return b"done"


class Network:
    """The parts of a simulator, each to be held on its own."""

    def __init__(self, folder: Path) -> None:
        self.authorities = {msp_id: Authority.make(f"ca.{msp_id}") for msp_id in ORGANISATIONS}
        self.membership = Membership(self.authorities)
        self.peers = {msp_id: self._peer(msp_id) for msp_id in ORGANISATIONS}
        self.member = self.new_member()
        self.blocks = BlockFile(folder / "blocks")
        self.blocks.append(genesis_block(CHANNEL, self.authorities).SerializeToString())
        self.ledger = Ledger(self.blocks)
        self.endorser = Endorser(self.membership, self.ledger, CHAINCODE, Notes())
        self.validator = Validator(self.membership, CHANNEL, CHAINCODE, ORGANISATIONS)
        book = FaultBook(time.monotonic)
        faults = CommitFaults(book, Changes(book), self.membership)
        self.committer = Committer(self.ledger, self.validator, self._peer("Org1MSP").signer, faults)

    def new_member(self, msp_id: str = "Org1MSP", unit: str = "client") -> Member:
        return Member(msp_id, self.authorities[msp_id].issue("somebody", unit), channel=CHANNEL, chaincode=CHAINCODE)

    async def endorsed(self, *call: str, by: Sequence[str] = ORGANISATIONS, nonce: bytes | None = None) -> bytes:
        """A transaction endorsed by these organisations and signed: what the orderer would take."""
        return await self.transaction(self.member.propose(*call, nonce=nonce), by)

    async def transaction(self, signed: SignedProposal, by: Sequence[str] = ORGANISATIONS) -> bytes:
        proposal = read_proposal(signed.message)
        simulated = await self.endorser.simulate(proposal, self.endorser.check(proposal))
        endorsements = [self.peers[msp_id].endorse(simulated.response_payload) for msp_id in by]
        prepared = prepare_transaction(proposal, simulated.response_payload, endorsements)
        return bytes(self.member.sign(prepared).SerializeToString())

    async def commit(self, *envelopes: bytes) -> list[str]:
        """Put these into the next block; the names of their codes."""
        number = self.ledger.height
        await self.committer.commit([Ordered.read(envelope) for envelope in envelopes])
        return codes_of(self.ledger.block(number))

    def _peer(self, msp_id: str) -> Peer:
        credential = self.authorities[msp_id].issue("peer0", "peer")
        signer = Signer(serialize(msp_id, credential.certificate_pem), credential.key)
        return Peer(msp_id=msp_id, address=f"peer0.{msp_id}:7051", signer=signer)


def codes_of(block: common_pb2.Block) -> list[str]:
    return [transaction_pb2.TxValidationCode.Name(code) for code in block.metadata.metadata[2]]
