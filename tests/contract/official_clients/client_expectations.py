"""What a real peer answers to the official clients, per case, as measured on Fabric 2.5.16: expectations/*.json.

A case is either one outcome for every client, or `by_client` when the clients themselves tell different things: the Go
client closes a stream without saying why. What differs from run to run is replaced by a word before the comparison.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from client_programs import Answered

_TABLES = Path(__file__).resolve().parent / "expectations"
_ADDRESS = re.compile(r"[^:\s]+:\d+")
_CREATOR = re.compile(r"Creator \[[0-9a-f]+\]")


def expectations(client: str) -> dict[str, Any]:
    """Case -> outcome, as this client tells it."""
    tables = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(_TABLES.glob("*.json"))]
    cases = {case: outcome for table in tables for case, outcome in table.items()}
    return {case: _for_client(outcome, client) for case, outcome in cases.items()}


def comparable(answered: Answered) -> Any:
    """The outcome in the words of the table: ids by their names, addresses as `host:port`."""
    return _worded(answered.outcome, answered.names)


def _for_client(outcome: Any, client: str) -> Any:
    if isinstance(outcome, dict) and "by_client" in outcome:
        return outcome["by_client"][client]
    return outcome


def _worded(value: Any, names: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "host:port" if key == "address" and _ADDRESS.fullmatch(held) else _worded(held, names)
            for key, held in value.items()
        }
    if isinstance(value, list):
        return [_worded(held, names) for held in value]
    if isinstance(value, str):
        for made_up, word in names.items():
            value = value.replace(made_up, word)
        return _CREATOR.sub("Creator [...]", value)
    return value
