"""One run: prepare, insert while the schedule is carried out, let everything come to its end, gather the evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from streams.chaos.checker.check import check
from streams.chaos.checker.database import read_changes, read_rows
from streams.chaos.checker.evidence import FINAL, Evidence
from streams.chaos.checker.ledger import Chain, Peer
from streams.chaos.driver import Driver
from streams.chaos.findings import ChaosOptions, Findings
from streams.chaos.saboteur import Control, Saboteur
from streams.chaos.schedule import schedule
from streams.chaos.topics import read_records
from streams.chaos.troubles.database import TroubledDatabase
from streams.chaos.workload import FUND, Planned, Workload
from streams.errors import PipelineError
from streams.local.line import Line
from streams.local.postgres import SUPERUSER
from streams.local.stack import DATABASE
from streams.postgres.rows import count_by_status
from streams.simulator.config import CONTROL_FILE

PREPARATION_S, STALLED_S = 120.0, 180.0
_LOOK_S = 0.1
_CONNECT_TIMEOUT_S = 5


@dataclass(slots=True)
class Run:
    """A run on a line that was started and is empty. Raises PipelineError when something does not end in time."""

    line: Line
    options: ChaosOptions
    notice: Callable[[str], None]
    driver: Driver = field(init=False)
    saboteur: Saboteur = field(init=False)

    def __post_init__(self) -> None:
        dsn = self.line.environment()["STREAMS_POSTGRES__DSN"]
        self.driver = Driver(dsn, self.line.profile, Workload(self.options.seed))
        control = Control(self.line.paths.state / "ledger" / CONTROL_FILE)
        database = TroubledDatabase(self.line.stack.postgres.dsn(SUPERUSER, DATABASE))
        self.saboteur = Saboteur(self.line.stack.supervisor, control, database)

    def run(self) -> Findings:
        """Everything, in order."""
        began_at = time.monotonic()
        for phase in self.driver.workload.preparation():
            self._prepare(phase)
        self.notice(f"{len(self.driver.acknowledged)} commands have prepared the ledger; {self._plan_in_words()}")
        self._disturb()
        self.wait_until(self.saboteur.control.clear, PREPARATION_S, "a simulator that takes its faults back")
        self.settle()
        lasted_s = time.monotonic() - began_at
        self.notice(f"{len(self.driver.acknowledged)} commands came to their ends after {lasted_s:.0f} s")
        self.wait_until(self._all_up, PREPARATION_S, "every process up again")
        evidence, records = self.evidence(), read_records(self.line)
        return Findings(
            options=self.options,
            evidence=evidence,
            violations=check(evidence),
            deeds=self.saboteur.deeds,
            acknowledged=self.driver.acknowledged,
            records=records,
            lasted_s=lasted_s,
        )

    def _plan_in_words(self) -> str:
        return f"{self.options.kills} kills in {self.options.seconds:.0f} s, seed {self.options.seed}"

    def _prepare(self, phase: list[Planned]) -> None:
        self.driver.insert(phase)
        self.wait_until(
            lambda: self._all_final(self._counts()), PREPARATION_S, "the end of every command that prepares the ledger"
        )

    def _disturb(self) -> None:
        """Insert and kill, each in a thread of its own, while this one starts again what has died."""
        supervisor, options, stop = self.line.stack.supervisor, self.options, threading.Event()
        plan = schedule(options.seed, supervisor.names(), options.kills, options.seconds)
        with ThreadPoolExecutor(2, thread_name_prefix="chaos") as threads:
            try:
                driving = threads.submit(self.driver.run, options.rate, stop)
                sabotage = threads.submit(self.saboteur.run, plan, stop)
                while not sabotage.done() and not driving.done():
                    self.line.stack.look()
                    time.sleep(_LOOK_S)
            finally:
                stop.set()
                # Postgres may be dead just now: the driver waits for it.
                while not driving.done():
                    self.line.stack.look()
                    time.sleep(_LOOK_S)
            sabotage.result()
            driving.result()

    def settle(self) -> None:
        """Until every row is final, or none has become so for long: then that is a finding, told like every other."""
        most, due_at = -1, 0.0
        while not self._all_final(counts := self._counts()):
            final = sum(count for status, count in counts.items() if status in FINAL)
            if final > most:
                most, due_at = final, time.monotonic() + STALLED_S
            if time.monotonic() > due_at:
                return
            self.line.stack.look()
            time.sleep(_LOOK_S)

    def evidence(self) -> Evidence:
        """What the table and the ledger hold now. Raises psycopg.Error, grpc.RpcError."""
        environment = self.line.environment()
        with self._connect() as connection:
            rows, changes = read_rows(connection), read_changes(connection)
        with Chain(peer(environment)) as chain:
            transactions = list(chain.transactions(list(self.line.routes.identities)))
            money = chain.money([FUND, *self.driver.workload.users, *self.driver.workload.vaults])
        return Evidence(
            ends={command_id: planned.end for command_id, (planned, _) in self.driver.acknowledged.items()},
            rows=rows,
            changes=changes,
            transactions=transactions,
            money=money,
        )

    def _counts(self) -> dict[str, int]:
        """Rows by status; nothing while Postgres is away."""
        try:
            with self._connect() as connection:
                return count_by_status(connection, self.line.profile)
        except psycopg.OperationalError:
            return {}

    def _all_final(self, counts: Mapping[str, int]) -> bool:
        return sum(counts.values()) >= len(self.driver.acknowledged) and counts.keys() <= FINAL

    def _all_up(self) -> bool:
        supervisor = self.line.stack.supervisor
        return all(map(supervisor.is_up, supervisor.names()))

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.driver.dsn, connect_timeout=_CONNECT_TIMEOUT_S)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Start again what has died until the condition holds. Raises PipelineError when that takes too long."""
        due_at = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > due_at:
                raise PipelineError(f"not within {timeout_s:.0f} s: {what}; seed {self.options.seed}")
            self.line.stack.look()
            time.sleep(_LOOK_S)


def peer(environment: Mapping[str, str]) -> Peer:
    """How the checker reaches the ledger of a line."""
    return Peer(
        gateway=environment["STREAMS_FABRIC__GATEWAY"],
        tls_ca_file=Path(environment["STREAMS_FABRIC__TLS_CA_FILE"]),
        wallet=Path(environment["STREAMS_FABRIC__WALLET"]),
        identity="org1-admin",
    )
