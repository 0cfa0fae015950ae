"""A ledger on virtual time: one chain, the chaincode of a scenario, an orderer that is late, and peers that lag."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from seeded_scenario import Nature, Planned, Scenario, newest

from streams.ledger import VALID

DUPLICATE, CONFLICT, FLAWED = "DUPLICATE_TXID", "MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE"
PAUSED, BUSY = "system is paused: incident 7", "GET_STATE failed: transaction ID: x: busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An endorsed transaction with the versions that it read."""

    transaction_id: str
    planned: Planned
    read: Mapping[str, int]
    is_flawed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An envelope in a block."""

    at: float
    block: int
    code: str
    envelope: Envelope

    @property
    def command_id(self) -> str:
        return self.envelope.planned.command.command_id


@dataclass(slots=True)
class Chain:
    """Every entry in the order of the chain; `first` holds the one that decides an id; `versions` when a key changed.

    `knows_ids`: a peer accepts an id once. Without it the ledger breaks its promise.
    """

    scenario: Scenario
    loop: asyncio.AbstractEventLoop
    knows_ids: bool = True
    entries: list[Entry] = field(default_factory=list, init=False)
    first: dict[str, Entry] = field(default_factory=dict, init=False)
    versions: dict[str, list[float]] = field(default_factory=dict, init=False)
    asked: dict[str, int] = field(default_factory=dict, init=False)
    _waiting: dict[str, list[asyncio.Future[None]]] = field(default_factory=dict, init=False)

    def read(self, planned: Planned, as_of: float) -> Mapping[str, int]:
        """The versions of a command's keys, as a peer sees them that stands at `as_of`."""
        return {key: newest(self.versions.get(key, []), as_of) for key in planned.keys}

    def refusal(self, planned: Planned) -> str | None:
        """What the chaincode says to a command now; None: yes."""
        now = self.loop.time()
        if self.scenario.is_paused(now):
            return PAUSED
        match planned.nature:
            case Nature.REFUSED:
                return "insufficient funds"
            case Nature.EXPIRES if now >= planned.turns_at:
                return "voting period has ended"
            case Nature.OPENS if now < planned.turns_at:
                return "voting period has not begun"
            case Nature.BUSY:
                asked = self.asked[planned.command.command_id] = self.asked.get(planned.command.command_id, 0) + 1
                return BUSY if asked <= planned.busy_times else None
        return None

    def write(self, key: str) -> None:
        """Somebody changes a key."""
        self.versions.setdefault(key, []).append(self.loop.time())

    def put_into_a_block(self, envelope: Envelope) -> None:
        """Judge an envelope as validation does: by its id, then by what it read."""
        code = self._judge(envelope)
        entry = Entry(at=self.loop.time(), block=len(self.entries), code=code, envelope=envelope)
        self.entries.append(entry)
        self.first.setdefault(envelope.transaction_id, entry)
        if code == VALID:
            for key in envelope.planned.keys:
                self.write(key)
        for waiter in self._waiting.pop(envelope.transaction_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    def _judge(self, envelope: Envelope) -> str:
        if self.knows_ids and envelope.transaction_id in self.first:
            return DUPLICATE
        if envelope.is_flawed:
            return FLAWED
        if any(len(self.versions.get(key, ())) != version for key, version in envelope.read.items()):
            return CONFLICT
        return VALID

    def seen(self, transaction_id: str, as_of: float) -> Entry | None:
        """What a peer knows that stands at `as_of`."""
        entry = self.first.get(transaction_id)
        return entry if entry is not None and entry.at <= as_of else None

    async def in_a_block(self, transaction_id: str, timeout_s: float) -> Entry | None:
        """Wait for the id."""
        if transaction_id not in self.first:
            waiter = self.loop.create_future()
            self._waiting.setdefault(transaction_id, []).append(waiter)
            timer = self.loop.call_later(timeout_s, _give_up, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
        return self.first.get(transaction_id)


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
