"""A network of somebody's, and the word without which nothing is written to it.

The `STREAMS_FABRIC__` settings alone are not enough: whoever runs the line has them exported, with a ledger behind them
that is no test's. The word is no setting of the line, so it has no name of one.
"""

from __future__ import annotations

import os

from streams.settings import ExternalLedgerSettings, variables

WORD, MEANT = "CONTRACT_LEDGER", "external"
REQUIRED = [
    name for name, section, field in variables(ExternalLedgerSettings) if section.model_fields[field].is_required()
]


def missing_network() -> str:
    """Why no network of somebody's is tested; empty: the settings name one, and the word says that it may be."""
    if os.environ.get(WORD) != MEANT or not any(name in os.environ for name in REQUIRED):
        return f"no network was given for tests: that takes {WORD}={MEANT} and {', '.join(REQUIRED)}"
    return ""
