"""The ledger as one worker process sees it: `streams.ledger.Ledger`, with every answer lost, late or wrong by chance.

What a call does at the orderer does not depend on the caller: it goes on when the process dies.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from seeded_scenario import LAG_S, LATEST_S, START, Planned
from simulated_ledger import DUPLICATE, Chain, Entry, Envelope
from simulated_story import Story

from streams.errors import CommitRejected, CommitUnknown, DuplicateTransaction, EndorseFailed, SubmitFailed
from streams.ledger import VALID, Committed, LedgerEntry
from streams.messages import RoutedCommand

COMMIT_TIMEOUT_S = 3.0
CALL_TIMEOUT_S = 1.0
NOT_ENDORSED = ("PEER_UNAVAILABLE", "TIMEOUT", "OVERLOADED", "ENDORSEMENT_MISMATCH", "lags", "lags")
SUBMITTED = ("lost", "late", "silent", "silent and late", "silent and lost", "not taken", "overloaded", "twice")

CALM = (*["ordered"] * 7, "late")


@dataclass(slots=True)
class Calls:
    """One process's way to the chain."""

    chain: Chain
    story: Story

    def propose(self, command: RoutedCommand, attempt: int) -> SimulatedProposal:
        planned = self.story.planned[command.command_id]
        self.story.starts(planned)
        return SimulatedProposal(self, planned, attempt, id_of(command.command_id, attempt))

    async def look_up(self, transaction_id: str) -> LedgerEntry | None:
        await self.pass_time()
        if self.fails():
            raise CommitUnknown("no answer", code="TIMEOUT", transaction_id=transaction_id)
        entry = self.chain.seen(transaction_id, self.stands_at())
        return None if entry is None else _held(entry)

    def fails(self) -> bool:
        scenario = self.chain.scenario
        chance = scenario.chance_of_failure(self.chain.loop.time())
        return chance > 0 and scenario.random.random() < chance

    def stands_at(self) -> float:
        """How far the peer that answers has come."""
        return self.chain.loop.time() - (self.chain.scenario.random.uniform(0.0, LAG_S) if self.fails() else 0.0)

    async def pass_time(self, most_s: float = 0.05) -> None:
        await asyncio.sleep(self.chain.scenario.random.uniform(0.001, most_s))


@dataclass(frozen=True, slots=True)
class SimulatedProposal:
    calls: Calls
    planned: Planned
    attempt: int
    transaction_id: str
    earlier_ids: tuple[str, ...] = ()

    async def endorse(self) -> SimulatedTransaction:
        calls, chain, mine = self.calls, self.calls.chain, self.transaction_id
        calls.story.asks_for(self.planned, self.attempt, chain)
        await calls.pass_time()
        stands_at = chain.loop.time()
        if calls.fails():
            code = chain.scenario.random.choice(NOT_ENDORSED)
            if code != "lags":
                await calls.pass_time(CALL_TIMEOUT_S)
                raise EndorseFailed("no endorsement", code=code, transaction_id=mine, refused=False)
            stands_at = calls.stands_at()
        if chain.seen(mine, stands_at) is not None:
            raise DuplicateTransaction("on the ledger already", code="DUPLICATE_TRANSACTION", transaction_id=mine)
        refusal = chain.refusal(self.planned)
        if refusal is not None:
            calls.story.tell("refused", self.planned, mine, refusal)
            raise EndorseFailed(refusal, code="CHAINCODE_REFUSED", transaction_id=mine, refused=True)
        is_flawed = chain.scenario.random.random() < 0.02
        envelope = Envelope(
            transaction_id=mine,
            planned=self.planned,
            read=chain.read(self.planned, stands_at),
            is_flawed=is_flawed,
        )
        return SimulatedTransaction(calls, envelope, mine)


@dataclass(frozen=True, slots=True)
class SimulatedTransaction:
    calls: Calls
    envelope: Envelope
    transaction_id: str
    result: bytes = b""

    async def submit(self) -> SimulatedCommit:
        calls, random = self.calls, self.calls.chain.scenario.random
        fate = random.choice(SUBMITTED if calls.fails() else CALM)
        calls.story.tell(f"submit: {fate}", self.envelope.planned, self.transaction_id)
        await calls.pass_time()
        match fate:
            case "not taken":
                raise self._failed("ORDERER_UNAVAILABLE", may_be_on_ledger=False)
            case "overloaded":
                raise self._failed("OVERLOADED", may_be_on_ledger=False)
            case "silent" | "ordered":
                self._order(0.5)
            case "late" | "silent and late":
                self._order(LATEST_S)
            case "twice":
                self._order(0.5)
                self._order(LATEST_S)
        if fate.startswith("silent"):
            await calls.pass_time(CALL_TIMEOUT_S)
            raise self._failed("TIMEOUT", may_be_on_ledger=True)
        return SimulatedCommit(calls, self.transaction_id)

    def _order(self, most_s: float) -> None:
        delay_s = self.calls.chain.scenario.random.uniform(0.01, most_s)
        self.calls.chain.loop.call_later(delay_s, self.calls.story.put_into_a_block, self.calls.chain, self.envelope)

    def _failed(self, code: str, *, may_be_on_ledger: bool) -> SubmitFailed:
        return SubmitFailed("not OK", code=code, transaction_id=self.transaction_id, may_be_on_ledger=may_be_on_ledger)


@dataclass(frozen=True, slots=True)
class SimulatedCommit:
    calls: Calls
    transaction_id: str

    async def status(self) -> Committed:
        calls, mine = self.calls, self.transaction_id
        if calls.fails():
            await calls.pass_time(COMMIT_TIMEOUT_S)
            raise CommitUnknown("stream interrupted", code="PEER_UNAVAILABLE", transaction_id=mine)
        entry = await calls.chain.in_a_block(mine, COMMIT_TIMEOUT_S)
        await calls.pass_time()
        if entry is None:
            raise CommitUnknown("in no block", code="NOT_IN_A_BLOCK", transaction_id=mine)
        if entry.code != VALID:
            raise CommitRejected(
                f"in a block as {entry.code}", code=entry.code, transaction_id=mine, block_number=entry.block
            )
        seen_at = START + timedelta(seconds=calls.chain.loop.time())
        return Committed(transaction_id=mine, block_number=entry.block, seen_at=seen_at)


def id_of(command_id: str, attempt: int) -> str:
    return f"{command_id}/{attempt}"


def _held(entry: Entry) -> LedgerEntry:
    command = entry.envelope.planned.command
    assert entry.code != DUPLICATE
    return LedgerEntry(
        transaction_id=entry.envelope.transaction_id,
        code=entry.code,
        block_number=entry.block,
        arguments=(command.transaction_name, *command.arguments),
        result=b"",
    )
