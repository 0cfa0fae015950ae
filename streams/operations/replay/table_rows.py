"""The rows that a plan of the table looks at, in a temporary file: memory does not grow with their number."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from streams.operations.history import statement

_HERE = Path(__file__).parent
_NO_LIMIT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A row without an event that is not emitted; `reason` is for a person."""

    command_id: str
    status: str
    transaction_id: str | None
    verdict: str
    reason: str


class TableRows:
    """A context manager; the file is removed at its end."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="streams-rows-", suffix=".sqlite")  # noqa: SIM115
        self._connection = sqlite3.connect(self._file.name, isolation_level=None)
        self._connection.executescript(statement("rows_schema", _HERE))

    def __enter__(self) -> TableRows:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._connection.close()
        self._file.close()

    def note_known(self, command_id: str) -> None:
        """It has an event."""
        self._connection.execute(statement("add_known", _HERE), {"command_id": command_id})

    def is_known(self, command_id: str) -> bool:
        """Whether it has an event."""
        found = self._connection.execute(statement("is_known", _HERE), {"command_id": command_id})
        return found.fetchone() is not None

    def note_missing(self, command_id: str) -> None:
        """It is to be emitted."""
        self._connection.execute(statement("add_missing", _HERE), {"command_id": command_id})

    def missing(self, most: int | None, at_once: int) -> Iterator[list[str]]:
        """The first `most` rows to be emitted (None: all), so many at once."""
        found = self._connection.execute(statement("missing", _HERE), {"most": _NO_LIMIT if most is None else most})
        while batch := [command_id for (command_id,) in found.fetchmany(at_once)]:
            yield batch

    def hold_back(self, row: HeldBack) -> None:
        """It has no event, and is not emitted."""
        self._connection.execute(statement("add_held_back", _HERE), asdict(row))

    def held_back(self) -> Iterator[HeldBack]:
        """Those rows, in the order of their creation."""
        for row in self._connection.cursor().execute(statement("held_back", _HERE)):
            yield HeldBack(**dict(zip(HeldBack.__dataclass_fields__, row, strict=True)))
