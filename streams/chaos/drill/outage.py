"""The drill: prepare, take the ledger away under load, wait for the alert, give it back, wait for the end of it all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from streams.chaos.checker.check import check
from streams.chaos.checker.evidence import Evidence, Transaction, Violation
from streams.chaos.checker.ledger import Chain, Peer
from streams.chaos.drill.alert import ALERT, Alert
from streams.chaos.drill.watch import Watch
from streams.chaos.driver import Driver
from streams.chaos.saboteur import Control
from streams.chaos.schedule import Fault
from streams.errors import PipelineError, StackFailed

PREPARATION_S = 120.0
PATIENCE_S = 180.0
"""For what must come: the alert beyond the outage, the drain, the end of the alert."""

_LOOK_S = 0.5
AWAY = ("chaincode-down", "orderer-down")
"""Faults of the simulator; under both, nothing can be endorsed or ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`seconds`: how long the ledger is away at least; longer, up to PATIENCE_S, until the alert fires."""

    seconds: float
    rate: float
    identities: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`moments`: what happened when, in order. `violations` and `late` are empty when all went well."""

    moments: Sequence[tuple[str, datetime]]
    late: Sequence[str]
    violations: Sequence[Violation]
    evidence: Evidence
    most_open: int
    alert_told_by: str

    @property
    def is_good(self) -> bool:
        return not self.violations and not self.late


@dataclass(slots=True)
class Drill:
    """On a line that runs. `driver` has a workload; `peer` is where the checker asks the ledger."""

    driver: Driver
    watch: Watch
    control: Control
    alert: Alert
    peer: Peer
    options: Options
    notice: Callable[[str], None]
    _moments: list[tuple[str, datetime]] = field(default_factory=list)
    _late: list[str] = field(default_factory=list)

    def run(self) -> Result:
        """Everything, in order. Raises PipelineError when it cannot begin; what goes wrong later is in the result."""
        if self.alert.fires():
            raise PipelineError(f"{ALERT} fires already: mend that first")
        for phase in self.driver.workload.preparation():
            self.driver.insert(phase)
            if not self._until(lambda: self._open() == 0, PREPARATION_S):
                raise PipelineError(f"not within {PREPARATION_S:.0f} s: the commands that prepare the ledger")
        if refused := self.watch.refused():
            raise PipelineError(f"the ledger cannot be prepared: {refused[0].error_code}: {refused[0].error}")
        with self._inserting(), self._ledger_away():
            self._outage()
        self._recovery()
        return self._result()

    def _outage(self) -> None:
        began_at = time.monotonic()
        self._expect(lambda: self._open() > 0 and self.alert.fires(), f"{ALERT} fires", self.options.seconds)
        self._until(lambda: time.monotonic() - began_at >= self.options.seconds, self.options.seconds + 1)

    def _recovery(self) -> None:
        self._expect(lambda: self._open() == 0, "every command has its end")
        self._expect(lambda: not self.alert.fires(), f"{ALERT} has resolved")

    @contextmanager
    def _inserting(self) -> Iterator[None]:
        """Insert in a thread of its own meanwhile."""
        stop = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="drill") as threads:
            driving = threads.submit(self.driver.run, self.options.rate, stop)
            try:
                yield
            finally:
                stop.set()
            driving.result()

    @contextmanager
    def _ledger_away(self) -> Iterator[None]:
        """Raises StackFailed if the simulator does not take the faults, or does not give them back."""
        numbers: list[int] = []
        try:
            for kind in AWAY:
                added = self.control.add(Fault(at_s=0, kind=kind, for_s=self.options.seconds))
                if not added:
                    raise StackFailed(
                        "the simulator does not answer: is the line up, with the simulator as its ledger?"
                    )
                numbers += added
            self.watch.most_open = 0  # what prepared the ledger does not count
            self._happened("the ledger is away")
            yield
        finally:
            for number in numbers:
                self.control.remove(number)
        self._happened("the ledger is back")

    def _expect(self, condition: Callable[[], bool], what: str, beyond_s: float = 0.0) -> None:
        """Wait for it, and note when it came or that it did not."""
        if self._until(condition, beyond_s + PATIENCE_S):
            self._happened(what)
        else:
            self._late.append(f"not within {beyond_s + PATIENCE_S:.0f} s: {what}")
            self.notice(self._late[-1])

    def _happened(self, what: str) -> None:
        self._moments.append((what, datetime.now(UTC)))
        self.notice(f"{what}; {self._open()} commands are open")

    def _open(self) -> int:
        return self.watch.look(list(self.driver.acknowledged))

    def _until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        due_at = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > due_at:
                return False
            time.sleep(_LOOK_S)
        return True

    def _result(self) -> Result:
        evidence = Evidence(
            ends={command_id: planned.end for command_id, (planned, _) in self.driver.acknowledged.items()},
            rows=self.watch.rows(self.driver.acknowledged),
            changes=self.watch.changes,
            transactions=self._own_transactions(),
        )
        return Result(
            moments=self._moments,
            late=self._late,
            violations=check(evidence),
            evidence=evidence,
            most_open=self.watch.most_open,
            alert_told_by=self.alert.told_by,
        )

    def _own_transactions(self) -> list[Transaction]:
        """Those that name a command of the drill, or that a row names: the line may carry others meanwhile."""
        ids = [text for i in self.driver.acknowledged for text in (i, i.replace("-", ""))]
        named = {row.transaction_id for row in self.watch.rows(self.driver.acknowledged)}
        with Chain(self.peer) as chain:
            return [
                each
                for each in chain.transactions(self.options.identities)
                if each.transaction_id in named or any(text in part for part in each.arguments for text in ids)
            ]
