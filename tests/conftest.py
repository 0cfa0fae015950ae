"""What every ring of tests shares."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine is slow now and then; that is no fault of the code under test.
settings.register_profile("line", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("line")

# Tests start processes beside a network of gRPC servers. Its fork handlers, on by default, may abort the child before
# it becomes another program; children that use gRPC themselves start afresh.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
