"""A plan as lines of JSON: what it was made of first, then its entries. No payloads: records are read again."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from streams.errors import PipelineError
from streams.operations.history import statement
from streams.operations.replay.plan import Entry
from streams.operations.replay.verdicts import Verdict

VERSION = 1
STALE_AFTER = timedelta(hours=1)
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHead:
    """`results_end`: outcomes before these offsets of topic `results` are known. `counts`: entries by verdict."""

    plan_id: str
    made_at: datetime
    by: str
    flags: Mapping[str, str]
    include_failed: bool
    results_end: Mapping[int, int]
    counts: Mapping[str, int]


class PlanFile:
    """A plan in a file: entries are added one by one, the head is put in front at the end. A context manager."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._body = file.with_name(f".{file.name}.{os.getpid()}")
        self.counts: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> PlanFile:
        self._opened = self._body.open("w")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._opened.close()

    def write(self, entry: Entry) -> None:
        """Add an entry, within the context. Raises OSError."""
        self.counts[entry.command_type or "", entry.verdict] += 1
        self._opened.write(json.dumps(asdict(entry)) + "\n")

    def finish(
        self, *, by: str, flags: Mapping[str, str], include_failed: bool, results_end: Mapping[int, int]
    ) -> PlanHead:
        """Put the head in front; the file appears whole. Raises OSError."""
        counts: Counter[str] = Counter()
        for (_, verdict), count in self.counts.items():
            counts[verdict] += count
        head = PlanHead(
            plan_id=str(uuid.uuid4()),
            made_at=datetime.now(UTC),
            by=by,
            flags=dict(flags),
            include_failed=include_failed,
            results_end=dict(results_end),
            counts=dict(counts),
        )
        beside = self.file.with_name(f".{self.file.name}.{os.getpid()}.new")
        with beside.open("w") as opened:
            opened.write(json.dumps({"plan": VERSION, **asdict(head), "made_at": head.made_at.isoformat()}) + "\n")
            with self._body.open() as body:
                opened.writelines(body)
        beside.replace(self.file)
        self._body.unlink(missing_ok=True)
        return head


class Plan:
    """A plan read from its file: what it publishes, in the order of the records. A context manager."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.head = _head(file)
        self._store = tempfile.NamedTemporaryFile(prefix="streams-plan-", suffix=".sqlite")  # noqa: SIM115
        self._connection = sqlite3.connect(self._store.name, isolation_level=None)
        self._connection.executescript(statement("plan_schema", _HERE))
        published = (e for e in _entries(file) if e.is_published(include_failed=self.head.include_failed))
        self._connection.executemany(statement("add_entry", _HERE), (asdict(entry) for entry in published))
        self._connection.execute(statement("number_entries", _HERE))

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._connection.close()
        self._store.close()

    def __len__(self) -> int:
        (count,) = self._connection.execute(statement("count_entries", _HERE)).fetchone()
        return int(count)

    def is_stale(self, now: datetime) -> bool:
        """Too much may have happened since."""
        return now - self.head.made_at > STALE_AFTER

    def place(self, command_id: str) -> int | None:
        """Where in the order a command stands (0, 1, ...); None: it is not published."""
        row = self._connection.execute(statement("place", _HERE), {"command_id": command_id}).fetchone()
        return None if row is None else int(row[0])

    def slice(self, start: int, count: int) -> list[Entry]:
        """The entries from a place on."""
        rows = self._connection.execute(statement("slice", _HERE), {"start": start, "most": count}).fetchall()
        return [_entry(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


_COLUMNS = tuple(Entry.__dataclass_fields__)


def _head(file: Path) -> PlanHead:
    try:
        with file.open() as opened:
            told = json.loads(opened.readline())
        if told.pop("plan") != VERSION:
            raise ValueError("another version")
        ends = {int(partition): int(offset) for partition, offset in told["results_end"].items()}
        return PlanHead(**{**told, "made_at": datetime.fromisoformat(told["made_at"]), "results_end": ends})
    except OSError as error:
        raise PipelineError(f"{file}: the plan cannot be read ({error.strerror})") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PipelineError(f"{file}: is no plan of this version; make one with --export") from error


def _entries(file: Path) -> Iterator[Entry]:
    with file.open() as opened:
        opened.readline()
        for line in opened:
            try:
                yield _entry(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise PipelineError(f"{file}: a line is no entry of a plan: {line[:80]}") from error


def _entry(told: dict[str, Any]) -> Entry:
    return Entry(**{**told, "verdict": Verdict(told["verdict"])})
