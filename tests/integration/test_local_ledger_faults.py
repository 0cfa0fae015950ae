"""The simulator of a local line takes faults: `streams simulator fault ... --state .local/state/ledger`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from streams.local.ledgers import LedgerOptions, choose_ledger
from streams.local.paths import LocalPaths
from streams.local.supervisor import Supervisor
from streams.simulator.config import CONTROL_FILE


def fault(*arguments: str, state: Path) -> str:
    argv = [sys.executable, "-m", "streams", "simulator", "fault", *arguments, "--state", str(state)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_a_fault_can_be_put_into_force_on_a_running_line(tmp_path: Path) -> None:
    paths = LocalPaths.under(tmp_path)
    paths.make()
    ledger = choose_ledger(LedgerOptions(), paths, {"org1-admin": "gx_admin"}, {})
    state = paths.state / "ledger"
    with Supervisor(logs=paths.logs, registry=paths.registry) as supervisor:
        supervisor.start(*ledger.processes)
        due_at = time.monotonic() + 30
        while not (state / CONTROL_FILE).exists():  # a moment after the ledger itself
            assert time.monotonic() < due_at, "the simulator of a line serves no control API"
            time.sleep(0.05)
        assert (state / CONTROL_FILE).read_text().startswith("http://127.0.0.1:")
        assert fault("add", "late", "call=submit", "count=2", state=state) == "fault 1 is in force\n"
        [listed] = json.loads(fault("list", "--json", state=state))
        assert (listed["kind"], listed["count"], listed["struck"]) == ("late", 2, 0)
        fault("clear", state=state)
        assert json.loads(fault("list", "--json", state=state)) == []
    assert not (state / CONTROL_FILE).exists()
