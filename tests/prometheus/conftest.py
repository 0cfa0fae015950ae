"""promtool, from the PATH or from the Debian package."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import StackFailed
from streams.files import ROOT
from streams.local.prometheus import PROMTOOL, install_prometheus


@pytest.fixture(scope="session")
def tool() -> Path:
    try:
        return install_prometheus(ROOT / ".local" / "prometheus")[PROMTOOL]
    except StackFailed as failure:
        pytest.skip(f"there is no promtool: {failure}")
