"""The line that is put to the proof."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from streams.local.ledgers import SIMULATOR, LedgerOptions
from streams.local.line import Line, LineOptions
from streams.local.paths import LocalPaths
from streams.postgres.profiles import Profile

# Patience that fits a ledger with blocks of 0.1 s: with that of a real one, every loss would cost a minute. Longer than
# any fault of faults.toml keeps a transaction from its block: what is in none after this time counts as lost.
SETTINGS = {
    "STREAMS_FABRIC__ENDORSE_TIMEOUT_S": "5",
    "STREAMS_FABRIC__SUBMIT_TIMEOUT_S": "4",
    "STREAMS_FABRIC__COMMIT_TIMEOUT_S": "10",
    "STREAMS_SUBMIT__RETRY_CAP_S": "2",
}
REPLICAS = {"route": 1, "submit-org1-admin": 1}


def chaos_line(paths: LocalPaths, notice: Callable[[str], None]) -> Line:
    """A line of its own for a run: audited, impatient, two processes of some workers."""
    options = LineOptions(
        ledger=LedgerOptions(kind=SIMULATOR, block_interval_s=0.1),
        replicas=REPLICAS,
        settings=SETTINGS,
        prepare=_audit,
        notice=notice,
    )
    return Line(paths, options)


def _audit(connection: psycopg.Connection[Any], _: Profile) -> None:
    connection.execute(Path(__file__).with_name("audit.sql").read_bytes())
