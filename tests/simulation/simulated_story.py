"""What happened, in order, and every promise that was broken on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seeded_scenario import Planned
from simulated_ledger import CONFLICT, PAUSED, Chain, Envelope

from streams.ledger import VALID
from streams.messages import DeadLetter, Outcome, OutcomeKind
from streams.workers.parked import BEHIND_PARKED

FINAL = frozenset({OutcomeKind.COMMITTED, OutcomeKind.FAILED})


@dataclass(slots=True)
class Story:
    """`results` and `letters` are the topics; `set_aside`: parked, or waiting behind a parked one."""

    loop: asyncio.AbstractEventLoop
    planned: Mapping[str, Planned]
    may_park: bool
    results: list[Outcome] = field(default_factory=list, init=False)
    letters: list[DeadLetter] = field(default_factory=list, init=False)
    final: dict[str, OutcomeKind] = field(default_factory=dict, init=False)
    set_aside: set[str] = field(default_factory=set, init=False)
    violations: list[str] = field(default_factory=list, init=False)
    _events: list[tuple[float, str, str, str]] = field(default_factory=list, init=False)
    _in_flight: dict[str, str] = field(default_factory=dict, init=False)
    _started: dict[str, float] = field(default_factory=dict, init=False)
    _pauses: dict[str | None, float] = field(default_factory=dict, init=False)

    def tell(self, what: str, planned: Planned | None = None, *details: object) -> None:
        name = planned.command.command_id if planned else ""
        self._events.append((self.loop.time(), name, what, " ".join(map(str, details))))

    def timeline(self) -> str:
        return "\n".join(
            f"{at:8.3f}  {name:4} {what:28} {details}".rstrip() for at, name, what, details in self._events
        )

    def broken(self, promise: str, case: str) -> None:
        """A promise was broken."""
        self.violations.append(f"{promise}: {case}")
        self.tell(f"BROKEN: {promise}", None, case)

    def pause(self, key: str | None, *, is_paused: bool) -> None:
        """An operator pauses an ordering key or everything (None), or lets it go; every process knows at once."""
        self.tell("operator pauses" if is_paused else "operator lets go", None, key or "everything")
        if is_paused:
            self._pauses.setdefault(key, self.loop.time())
        else:
            self._pauses.pop(key, None)

    def starts(self, planned: Planned) -> None:
        """A process makes a proposal for it."""
        self._started.setdefault(planned.command.command_id, self.loop.time())

    def asks_for(self, planned: Planned, attempt: int, chain: Chain) -> None:
        """A process asks for endorsements of an attempt."""
        command_id = planned.command.command_id
        self.tell("endorse", planned, attempt)
        for key in (None, planned.command.ordering_key):
            if self._started[command_id] > self._pauses.get(key, self.loop.time()):
                self.broken("what is paused is not started", command_id)
        if attempt:
            earlier = chain.first.get(f"{command_id}/{attempt - 1}")
            if earlier is None or earlier.code != CONFLICT:
                self.broken("an attempt follows only on a conflict", f"{command_id} attempt {attempt}")
        for key in planned.keys:
            other = self._in_flight.setdefault(key, command_id)
            if other != command_id:
                self.broken("commands that share a key are not in flight together", f"{other} and {command_id}, {key}")

    def process_died(self) -> None:
        """Nothing of it is in flight any more."""
        self._in_flight.clear()
        self._started.clear()

    def put_into_a_block(self, chain: Chain, envelope: Envelope) -> None:
        chain.put_into_a_block(envelope)
        self.tell("block", envelope.planned, envelope.transaction_id, chain.entries[-1].code)

    def publish(self, outcome: Outcome) -> None:
        """A record of `results`."""
        planned = self.planned[outcome.command_id]
        self.results.append(outcome)
        self.tell(f"outcome {outcome.kind}", planned, outcome.error or outcome.transaction_id)
        if outcome.kind is OutcomeKind.PARKED or outcome.error_code == BEHIND_PARKED:
            self._set_aside(outcome)
        elif outcome.kind in FINAL:
            self._ended(outcome)

    def bury(self, letter: DeadLetter) -> None:
        """A record of `dead-letters`."""
        self.letters.append(letter)
        self.tell(f"dead letter {letter.kind}", self.planned[letter.command_id or ""])

    def _set_aside(self, outcome: Outcome) -> None:
        self.set_aside.add(outcome.command_id)
        self._leave(outcome.command_id)
        if not self.may_park:
            self.broken("nothing is parked", f"{outcome.command_id}: {outcome.error}")

    def _leave(self, command_id: str) -> None:
        self._started.pop(command_id, None)
        for key in self.planned[command_id].keys:
            if self._in_flight.get(key) == command_id:
                del self._in_flight[key]

    def _ended(self, outcome: Outcome) -> None:
        self._leave(outcome.command_id)
        said = self.final.setdefault(outcome.command_id, outcome.kind)
        if said is not outcome.kind:
            self.broken("a final outcome does not change", f"{outcome.command_id}: {said}, then {outcome.kind}")
        if outcome.kind is OutcomeKind.FAILED and outcome.error == PAUSED:
            self.broken("nothing fails that is only to wait", outcome.command_id)

    def acknowledged(self, records: Sequence[Planned], offset: str) -> None:
        """None of these records of a partition will be delivered again."""
        self.tell("acknowledged", records[-1], offset)
        for planned in records:
            command_id = planned.command.command_id
            if command_id not in self.final and command_id not in self.set_aside:
                self.broken("nothing is acknowledged that has not ended", command_id)

    def check_the_end(self, chain: Chain) -> None:
        """Everything has settled: is every row right, and the chain?"""
        valid: dict[str, int] = {}
        for entry in chain.entries:
            if entry.code == VALID:
                valid[entry.command_id] = valid.get(entry.command_id, 0) + 1
        buried = {letter.command_id for letter in self.letters}
        for command_id in self.planned:
            said, times = self.final.get(command_id), valid.get(command_id, 0)
            if said is None and command_id not in self.set_aside:
                self.broken("every command ends", command_id)
            if times > 1:
                self.broken("at most one transaction is VALID", f"{command_id}: {times}")
            if said is OutcomeKind.COMMITTED and times == 0:
                self.broken("COMMITTED is on the ledger", command_id)
            if said is OutcomeKind.FAILED and times:
                self.broken("FAILED is not on the ledger", command_id)
            if (said is OutcomeKind.FAILED or command_id in self.set_aside) and command_id not in buried:
                self.broken("what fails or is parked has a dead letter", command_id)
        self._check_the_order(chain)

    def _check_the_order(self, chain: Chain) -> None:
        """Commands of one ordering key are on the chain in the order in which they were routed."""
        turn = {command_id: number for number, command_id in enumerate(self.planned)}
        newest: dict[str, str] = {}
        for entry in chain.entries:
            if entry.code != VALID:
                continue
            key = entry.envelope.planned.command.ordering_key
            before = newest.get(key)
            if before is not None and turn[before] > turn[entry.command_id]:
                self.broken("the order of a key is the order of its rows", f"{before} before {entry.command_id}, {key}")
            newest[key] = entry.command_id
