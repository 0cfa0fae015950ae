"""The trace context of a command: read, checked, and carried on every record that is made of it.

The form is that of W3C Trace Context, "traceparent Header Field Values": version, trace id, id of the parent's span and
flags, in lower-case hexadecimal digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

HEADER = "traceparent"

_FORM = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(?P<rest>-.*)?")
_NO_VERSION, _VERSION = "ff", "00"
_LONGEST = 256
"""A later version of the form may have more fields; nobody's goes on for ever."""

_current: ContextVar[str | None] = ContextVar(HEADER, default=None)


def is_well_formed(text: str) -> bool:
    """Whether others would take it for a trace context; what is not is passed over, as the standard asks."""
    found = _FORM.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or found["version"] == _NO_VERSION or (found["version"] == _VERSION and found["rest"]):
        return False
    return found["trace"].strip("0") != "" and found["span"].strip("0") != ""


def from_headers(headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> str | None:
    """The trace context in the headers of a Kafka record, as aiokafka, Faust or confluent-kafka give them."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    for name, value in pairs:
        if name == HEADER and value is not None:
            return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return None


@contextmanager
def carrying(traceparent: str | None) -> Iterator[None]:
    """Within it, records and calls that are made by this task carry the trace context; None: none."""
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def carried() -> dict[str, str]:
    """The header to put on a record or a call now: empty, or `traceparent`."""
    traceparent = _current.get()
    return {} if traceparent is None else {HEADER: traceparent}
