"""Whatever answers are lost, late or wrong, and whoever dies: every seed keeps every promise.

STREAMS_TEST_SEEDS=10000 runs more of them; STREAMS_TEST_SEED=4711 runs one and shows its story.
"""

from __future__ import annotations

import os

import pytest
from simulation import simulate
from virtual_loop import NothingWillHappen, VirtualLoop

SEEDS = int(os.environ.get("SIMULATED_SEEDS", "2000"))
