"""Cases that need a simulator are skipped, with their reason, by the test classes of networks that are none."""

from __future__ import annotations

import pytest

CONTRACTS = (
    *("ledger_contract", "gateway_contract", "outage_contract", "outbox_contract"),
    *("wire_network", "wire_ordering_contract", "wire_proposals_contract", "wire_streams_contract"),
)
pytest.register_assert_rewrite(*CONTRACTS)  # so that their failures say what was compared


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("needs_simulator")
        of = getattr(item, "cls", None)
        if marker is not None and not getattr(of, "simulated", True):
            item.add_marker(pytest.mark.skip(reason=f"a real network is spared, as {marker.args[0]}"))
