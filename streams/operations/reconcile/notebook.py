"""What was gathered, on disk: a SQLite file that lives as long as one run."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from streams.messages import Origin
from streams.operations.reconcile.facts import Fact
from streams.operations.reconcile.findings import Finding
from streams.operations.reconcile.kinds import Kind, Remedy

_SQL = Path(__file__).parent / "sql"


class Suspicion(NamedTuple):
    """A finding before anybody looked again; `status` and `changed_at_ms` are the row's, if there is one.

    `topic` to `offset`: where the routed command is. `told_at`: the newest final outcome, a `facts.Told` as text.
    """

    kind: str
    command_id: str
    transaction_id: str | None
    status: str | None
    changed_at_ms: int | None
    seen: str
    attempts: int
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    told_at: str | None = None

    @property
    def may_be_sent(self) -> bool:
        """Nobody captured the row, and yet somebody has sent its command, or was about to: the polling worker."""
        is_untouched = self.status in ("PENDING", "LOCKED") and not self.transaction_id
        return self.kind == Kind.ROW_WITHOUT_EVENT and not is_untouched

    @property
    def routed_at(self) -> Origin | None:
        """Where the routed command is."""
        if self.topic is None or self.partition is None or self.offset is None:
            return None
        return Origin(topic=self.topic, partition=self.partition, offset=self.offset)


class Unproven(NamedTuple):
    """A row that is COMMITTED under an id that was not seen as VALID."""

    command_id: str
    transaction_id: str | None
    changed_at_ms: int


@contextmanager
def open_notebook() -> Iterator[Notebook]:
    """A new one, in the folder for temporary files; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="streams-reconcile-") as folder:
        file = Path(folder) / "notebook.sqlite"
        with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as connection:
            connection.executescript(_read("schema"))
            yield Notebook(connection)


class Notebook:
    """Written first, then indexed, then read; one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def write_facts(self, facts: Iterable[Fact]) -> int:
        """How many there were."""
        return self._write("insert_fact", facts)

    def write_valid(self, transactions: Iterable[tuple[str, int]]) -> int:
        """(transaction id, block number) of VALID transactions."""
        return self._write("insert_valid", transactions)

    def write_possible(self, ids: Iterable[tuple[str, str, str, int]]) -> int:
        """(transaction id that an attempt may have, command id, status of its row, when that changed)."""
        return self._write("insert_possible", ids)

    def write_suspicions(self, suspicions: Iterable[Suspicion]) -> int:
        """To be looked at again."""
        return self._write("insert_suspicion", suspicions)

    def write_findings(self, findings: Iterable[Finding]) -> int:
        """What stands after the second look."""
        return self._write(
            "insert_finding",
            (
                (
                    f.kind,
                    f.command_id,
                    f.command_type,
                    f.identity,
                    f.transaction_id,
                    f.block_number,
                    f.status,
                    f.seen,
                    f.truth,
                    f.remedy,
                    f.command,
                    f.told_at,
                )
                for f in findings
            ),
        )

    def index(self) -> None:
        """Before anything about transactions is asked."""
        self._connection.executescript(_read("indexes"))

    def by_command(self) -> Iterator[list[Fact]]:
        """The facts of each command: row, events, routed, outcomes, letters, each by time."""
        facts = map(Fact._make, self._ask("by_command"))
        for _, of_one in groupby(facts, key=lambda fact: fact.command_id):
            yield list(of_one)

    def unproven_commits(self, until_ms: int) -> Iterator[Unproven]:
        """Rows that are COMMITTED, and not by a transaction that was written as VALID."""
        return map(Unproven._make, self._ask("unproven_commits", {"until_ms": until_ms}))

    def failed_and_valid(self) -> Iterator[tuple[str, str, int, int]]:
        """(command id, transaction id, when the row changed, block) of FAILED rows with a VALID transaction."""
        return self._ask("failed_and_valid")

    def strangers(self) -> Iterator[tuple[str, int]]:
        """(transaction id, block) of VALID transactions that belong to no row of the window, by block."""
        return self._ask("strangers")

    def told_by_outcome(self, transaction_id: str) -> str | None:
        """The command that an outcome names this transaction of."""
        found = next(self._ask("told_by_outcome", {"transaction_id": transaction_id}), None)
        return found[0] if found else None

    def suspicions(self) -> Iterator[Suspicion]:
        """In the order of their routed commands."""
        return map(Suspicion._make, self._ask("suspicions"))

    def findings(self) -> Iterator[Finding]:
        """By kind and command."""
        names = [field.name for field in fields(Finding)]
        for kind, *rest in self._ask("findings"):
            values = dict(zip(names, (Kind(kind), *rest), strict=True))
            yield Finding(**{**values, "remedy": Remedy(values["remedy"])})

    def counts(self) -> tuple[dict[Kind, int], dict[Remedy, int]]:
        """How many findings there are, by kind (all of them) and by remedy."""
        kinds, remedies = dict.fromkeys(Kind, 0), dict.fromkeys(Remedy, 0)
        for kind, remedy, count in self._ask("counts"):
            kinds[Kind(kind)] += count
            remedies[Remedy(remedy)] += count
        return kinds, remedies

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
        self._connection.execute("BEGIN")
        written = self._connection.executemany(_read(statement), rows).rowcount
        self._connection.execute("COMMIT")
        return max(0, written)

    def _ask(self, statement: str, parameters: dict[str, Any] | None = None) -> Iterator[Any]:
        return iter(self._connection.execute(_read(statement), parameters or {}))


@cache
def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text()
