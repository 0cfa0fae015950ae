"""The real network that a module shares, and by name why a case runs on one kind of ledger only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(  # so that their failures say what was compared
    *("ledger_contract", "gateway_contract", "outage_contract", "outbox_contract"),
    *("wire_network", "wire_ordering_contract", "wire_proposals_contract", "wire_streams_contract"),
)

from either_network import EitherNetwork, real, simulated  # noqa: E402
from native_network import NativeNetwork, missing_programs, running_network  # noqa: E402

from docs.contract_results import SPARED  # noqa: E402


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeNetwork]:
    """A real network, one per module; without the programs of a Fabric release, skipped by name."""
    if missing := missing_programs():
        pytest.skip(missing)
    with running_network(tmp_path_factory.mktemp("native")) as network:
        yield network


@pytest.fixture(params=["simulator", "native"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EitherNetwork]:
    """Each of the two in turn."""
    if request.param == "native":
        yield real(request.getfixturevalue("native"), tmp_path)
        return
    async with simulated(tmp_path) as network:
        yield network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The reason of a marker becomes that of a skip, or, where the case runs, a property of its report."""
    for item in items:
        for name, (ledger, because) in SPARED.items():
            if (marker := item.get_closest_marker(name)) is not None:
                reason = because + marker.args[0]
                of = getattr(item, "cls", None)
                if name == "needs_simulator" and not getattr(of, "simulated", True):
                    item.add_marker(pytest.mark.skip(reason=reason))
                else:
                    item.user_properties.append((ledger, reason))
