"""The gateway client against whatever network the settings name; without any, every case is skipped by name.

It makes users and moves their money: the network is one for tests, and a word beside the settings says so. README.md,
"Conformance", says how.
"""

from __future__ import annotations

import pytest
from external_network import missing_network
from outage_contract import OutageContract

from streams.settings import ExternalLedgerSettings, FabricSettings, load

pytestmark = pytest.mark.skipif(bool(missing_network()), reason=missing_network())


@pytest.fixture
def settings() -> FabricSettings:
    """What is missing or wrong fails every case, with the name of its variable."""
    return load(ExternalLedgerSettings).fabric


class TestExternalLedger(OutageContract):
    """The contract, without what would break somebody's network."""
