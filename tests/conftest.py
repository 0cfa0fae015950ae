"""What every ring of tests shares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from streams.errors import StackFailed
from streams.files import ROOT
from streams.local.prometheus import install_prometheus

# A busy machine is slow now and then; that is no fault of the code under test.
settings.register_profile("line", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("line")

# Tests start processes beside a network of gRPC servers. Its fork handlers, on by default, may abort the child before
# it becomes another program; children that use gRPC themselves start afresh.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


@pytest.fixture(scope="session")
def prometheus_programs() -> Mapping[str, Path]:
    """`prometheus` and `promtool`, from PATH or from the Debian package; where neither is to be had, tests say so."""
    try:
        return install_prometheus(ROOT / ".local" / "prometheus")
    except StackFailed as failure:
        pytest.skip(f"there is no Prometheus: {failure}")
