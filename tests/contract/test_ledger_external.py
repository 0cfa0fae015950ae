"""The gateway client against whatever network the settings name; without any, every case is skipped by name.

It makes users and moves their money: the network is one for tests. README.md, "Conformance", says how.
"""

from __future__ import annotations

import os

import pytest
from outage_contract import OutageContract

from streams.settings import ExternalLedgerSettings, FabricSettings, load, variables

REQUIRED = [
    name for name, section, field in variables(ExternalLedgerSettings) if section.model_fields[field].is_required()
]

pytestmark = pytest.mark.skipif(
    not any(name in os.environ for name in REQUIRED),
    reason=f"no network was given: {', '.join(REQUIRED)} are not set",
)


@pytest.fixture
def settings() -> FabricSettings:
    """What is missing or wrong fails every case, with the name of its variable."""
    return load(ExternalLedgerSettings).fabric


class TestExternalLedger(OutageContract):
    """The contract, without what would break somebody's network."""
