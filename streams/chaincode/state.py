"""What a peer offers a chaincode during one call, as narrow as the reference chaincode needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

COMMAND_ID = "command_id"
"""Key of the transient map under which a chaincode may find its idempotency key. It is never ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """Who signed the proposal.

    `name` is the common name of the certificate's subject, `attributes` what its CA wrote into the extension
    1.2.3.4.5.6.7.8.1 (`gxc_role` and others).
    """

    msp_id: str
    name: str
    attributes: Mapping[str, str]


class State(Protocol):
    """The world state as one transaction sees it.

    Reads answer from the last committed block: a transaction does not see its own writes, as on a Fabric peer
    (core/chaincode/handler.go, HandleGetState). `timestamp` is the proposal's, aware and in UTC: the peers'
    own clocks would differ.
    """

    @property
    def transaction_id(self) -> str: ...

    @property
    def timestamp(self) -> datetime: ...

    @property
    def creator(self) -> Creator: ...

    @property
    def transient(self) -> Mapping[str, bytes]:
        """What the client sends along without it getting into the transaction."""
        ...

    def get(self, key: str) -> bytes | None:
        """The committed value; None: there is none."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Write a key. Raises ValueError for an empty key or value."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key, also one that is not there. Raises ValueError for an empty one."""
        ...

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """Keys from `start` (inclusive) to `end` (exclusive; "" for no end) in the order of their UTF-8 bytes."""
        ...

    def set_event(self, name: str, payload: bytes) -> None:
        """The transaction's event; a second call replaces the first."""
        ...


def require_key(key: str) -> None:
    """Raises ValueError for an empty key, under which a peer stores nothing."""
    if not key:
        raise ValueError("a key must not be empty")


def require_value(value: bytes) -> None:
    """Raises ValueError for an empty value: a peer takes it for a deletion (rwsetutil.IsKVWriteDelete)."""
    if not value:
        raise ValueError("a value must not be empty")


class ChaincodeRefused(Exception):
    """The chaincode answers with an error: status 400 or higher, and a text."""

    def __init__(self, message: str, *, status: int = 500) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
