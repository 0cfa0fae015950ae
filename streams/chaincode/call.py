"""One call of the chaincode: who calls, when, and what it has read and will write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC
from typing import TYPE_CHECKING, TypeVar

from streams.chaincode.state import State

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

_LAST_CHARACTER = "\U0010ffff"


def canonical_json(value: object) -> bytes:
    """The one spelling of a value: keys sorted, no spaces, UTF-8. Endorsers must agree on every byte."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Call:
    """Reads through its own writes, which reach the state only with `apply`.

    A peer answers reads from the last block, so a function that credits and debits one account in two steps
    would lose the first; here it sees it. Every key is read once and written once.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._read: dict[str, bytes | None] = {}
        self._writes: dict[str, bytes | None] = {}
        self._event: tuple[str, bytes] | None = None

    @property
    def transaction_id(self) -> str:
        """The id of the transaction, 64 hex digits."""
        return self._state.transaction_id

    @property
    def client_name(self) -> str:
        """Common name of the certificate that signed."""
        return self._state.creator.name

    @property
    def now(self) -> str:
        """The proposal's time, ISO 8601 in UTC with milliseconds."""
        return self._state.timestamp.astimezone(UTC).isoformat(timespec="milliseconds")

    @property
    def now_s(self) -> int:
        """The proposal's time, whole seconds since 1970."""
        return int(self._state.timestamp.timestamp())

    def new_id(self, prefix: str) -> str:
        """`<prefix>_<first 8 hex digits of the transaction id>`: the same at every endorser."""
        return f"{prefix}_{self.transaction_id[:8]}"

    def read(self, key: str) -> bytes | None:
        """The key's value as this call has left it."""
        if key in self._writes:
            return self._writes[key]
        if key not in self._read:
            self._read[key] = self._state.get(key)
        return self._read[key]

    def write(self, key: str, value: bytes) -> None:
        """Set a key."""
        self._writes[key] = value

    def remove(self, key: str) -> None:
        """Delete a key."""
        self._writes[key] = None

    def load(self, kind: type[Record], key: str) -> Record | None:
        """The key's record, None when there is none."""
        value = self.read(key)
        return None if value is None else decode(kind, value)

    def store(self, key: str, record: DataclassInstance) -> None:
        """Set a key to a record."""
        self.write(key, canonical_json({field.name: getattr(record, field.name) for field in fields(record)}))

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Every key that starts with `prefix`, in order, as this call has left them."""
        found: dict[str, bytes | None] = dict(self._state.range(prefix, prefix + _LAST_CHARACTER))
        found.update({key: value for key, value in self._writes.items() if key.startswith(prefix)})
        for key in sorted(found):
            value = found[key]
            if value is not None:
                yield key, value

    def announce(self, name: str, **about: object) -> None:
        """The transaction's event; Fabric keeps the last one only."""
        self._event = (name, canonical_json(about))

    def apply(self) -> None:
        """Hand the writes and the event to the state."""
        for key, value in self._writes.items():
            if value is None:
                self._state.delete(key)
            else:
                self._state.put(key, value)
        if self._event is not None:
            self._state.set_event(*self._event)


def decode(kind: type[Record], value: bytes) -> Record:
    """Stored JSON -> record; JSON has no tuples, the records have no lists."""
    stored = json.loads(value)
    return kind(**{name: tuple(held) if isinstance(held, list) else held for name, held in stored.items()})
