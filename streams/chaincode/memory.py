"""The state interface over a dictionary, for tests and for ledgers in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from datetime import datetime
from types import MappingProxyType

from streams.chaincode.state import Creator, require_key, require_value

_NOTHING: Mapping[str, bytes] = MappingProxyType({})


class MemoryState:
    """One transaction over `entries`, which `apply` changes and nothing else.

    Until then `writes` holds what the transaction wants (None: delete), and reads do not see it, as on a peer.
    `reads` and `scans` hold the keys and ranges that the transaction depends on.
    """

    def __init__(
        self,
        entries: MutableMapping[str, bytes],
        *,
        transaction_id: str,
        timestamp: datetime,
        creator: Creator,
        transient: Mapping[str, bytes] = _NOTHING,
    ) -> None:
        self.entries = entries
        self.transaction_id = transaction_id
        self.timestamp = timestamp
        self.creator = creator
        self.transient = transient
        self.reads: set[str] = set()
        self.scans: set[tuple[str, str]] = set()
        self.writes: dict[str, bytes | None] = {}
        self.event: tuple[str, bytes] | None = None

    def get(self, key: str) -> bytes | None:
        """The committed value."""
        self.reads.add(key)
        return self.entries.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Want a value. Raises ValueError for an empty key or value."""
        require_key(key)
        require_value(value)
        self.writes[key] = value

    def delete(self, key: str) -> None:
        """Want a key gone. Raises ValueError for an empty one."""
        require_key(key)
        self.writes[key] = None

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """Committed keys from `start` (inclusive) to `end` (exclusive; "" for no end), in order."""
        self.scans.add((start, end))
        for key in sorted(self.entries):
            if start <= key and (not end or key < end):
                yield key, self.entries[key]

    def set_event(self, name: str, payload: bytes) -> None:
        """The transaction's event; the last one counts."""
        self.event = (name, payload)

    def apply(self) -> None:
        """Commit: `entries` becomes what the transaction wants."""
        for key, value in self.writes.items():
            if value is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = value
