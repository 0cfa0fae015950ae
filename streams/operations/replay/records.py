"""The records that a replay looks at, in the temporary file of the history: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.messages import Origin, RoutedCommand
from streams.operations.history import History, statement

_HERE = Path(__file__).parent
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. `value` is None for what cannot be read or routed: then `problem` says why.

    `later`: the newer record of its command; `is_under_way`: a replay has delivered it, and no worker acknowledged it.
    """

    number: int
    command_id: str | None
    command_type: str | None
    tenant_id: str | None
    origin: Origin
    value: bytes | None
    problem: str | None
    later: Origin | None
    is_under_way: bool


class Records:
    """Written once, then read in batches."""

    def __init__(self, history: History) -> None:
        self._connection = history.connection
        self._connection.commit()
        self._connection.executescript(statement("schema", _HERE))

    def add(self, origin: Origin, command: RoutedCommand, value: bytes) -> None:
        """A record that is meant."""
        self._add(origin, command.command_id, command.command_type, command.tenant_id, value, None)

    def add_problem(self, origin: Origin, problem: str, *, command_id: str | None, command_type: str | None) -> None:
        """A record that is meant and cannot be read, or no command can be made of."""
        self._add(origin, command_id, command_type, None, None, problem)

    def note_newest(self, command_id: str, revision: int, origin: Origin) -> None:
        """Any record of a command, meant or not, in the order of reading."""
        self._connection.execute(
            statement("note_newest", _HERE), {"command_id": command_id, "revision": revision, **_address(origin)}
        )

    def note_revision(self, command_id: str, revision: int, origin: Origin) -> None:
        """A record that was delivered once more."""
        self._connection.execute(
            statement("note_revision", _HERE), {"command_id": command_id, "revision": revision, **_address(origin)}
        )

    def note_under_way(self, command_id: str) -> None:
        """A replay has delivered it, and no worker has acknowledged it."""
        self._connection.execute(statement("note_under_way", _HERE), {"command_id": command_id})

    def adopt(self, command: RoutedCommand, origin: Origin, value: bytes) -> None:
        """The routed command in the place of its change event."""
        told = {"command_id": command.command_id, "value": value, **_address(origin)}
        self._connection.execute(statement("adopt", _HERE), told)

    def __len__(self) -> int:
        (count,) = self._connection.execute(statement("count_records", _HERE)).fetchone()
        return int(count)

    def batches(self) -> Iterator[list[Record]]:
        """All, in the order of reading."""
        after = 0
        while rows := self._connection.execute(statement("records", _HERE), {"after": after, "most": BATCH}).fetchall():
            yield [_record(row) for row in rows]
            after = rows[-1][0]

    def _add(
        self,
        origin: Origin,
        command_id: str | None,
        command_type: str | None,
        tenant_id: str | None,
        value: bytes | None,
        problem: str | None,
    ) -> None:
        told = {"command_id": command_id, "command_type": command_type, "tenant_id": tenant_id}
        self._connection.execute(
            statement("add_record", _HERE), {**told, **_address(origin), "value": value, "problem": problem}
        )


def _address(origin: Origin) -> dict[str, object]:
    return {"topic": origin.topic, "partition": origin.partition, "position": origin.offset}


def _record(row: tuple[Any, ...]) -> Record:
    (number, command_id, command_type, tenant_id, *rest) = row
    topic, partition, position, value, problem, later_topic, later_partition, later_position, is_under_way = rest
    later = None
    if later_topic is not None:
        later = Origin(topic=later_topic, partition=later_partition, offset=later_position)
    return Record(
        number=number,
        command_id=command_id,
        command_type=command_type,
        tenant_id=tenant_id,
        origin=Origin(topic=topic, partition=partition, offset=position),
        value=value,
        problem=problem,
        later=later,
        is_under_way=bool(is_under_way),
    )
