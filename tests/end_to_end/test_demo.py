"""The README's two commands: `make demo` and `make test`."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from processes import foreground, living, until_registered
from running_line import usual_folder

from streams.files import ROOT
from streams.local.line import DEMO_ROUTES
from streams.routes.table import load_routes

BAD = {
    "unknown command type": "UNKNOWN_COMMAND_TYPE",
    "payload is not an object": "MALFORMED_PAYLOAD",
    "missing argument": "MISSING_ARGUMENT",
    "refused by the chaincode": "CHAINCODE_REFUSED",
    "identity without the right": "CHAINCODE_REFUSED",
}


def test_the_demonstration_carries_every_command_type_and_shows_what_became_of_it(jars: None, tmp_path: Path) -> None:
    folder = usual_folder(tmp_path / "clone")
    with foreground(folder, "demo") as demo:
        printed, complaints = demo.communicate(timeout=240)
    assert demo.returncode == 0, complaints + printed
    assert "Every row and the ledger are as they must be." in printed.splitlines()[-1]
    assert living(folder) == []

    lines = printed.splitlines()
    for command_type, route in load_routes(DEMO_ROUTES).routes.items():
        (row,) = [line for line in lines if line.startswith(f"{command_type} ")]
        _, identity, transaction, *figures = row.split()
        assert (identity, transaction) == (route.identity, route.transaction_name)
        committed, p50_ms, p99_ms = int(figures[0]), float(figures[-2]), float(figures[-1])
        assert committed > 0
        assert 0 < p50_ms <= p99_ms
    for case, code in BAD.items():
        (row,) = [line for line in lines if line.startswith(f"{case} ")]
        assert code in row.split()


def test_ctrl_c_during_the_demonstration_leaves_no_process_behind(jars: None, tmp_path: Path) -> None:
    folder = usual_folder(tmp_path / "clone")
    with foreground(folder, "demo") as demo:
        processes = until_registered(demo, folder / ".local" / "demo" / "state", "sink")
        demo.send_signal(signal.SIGINT)
        printed, complaints = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "Traceback" not in printed + complaints
    assert [name for name, process in processes.items() if process.is_alive] == []
    assert living(folder) == []


@pytest.mark.parametrize(("target", "runs"), [("demo", "streams demo"), ("test", "pytest tests")])
def test_make_runs_what_is_tested_here(target: str, runs: str) -> None:
    # Under a `make test` of our own, make would add lines about the folder it is in.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    ran = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True, env=alone)
    assert f"/{runs}" in ran.stdout.splitlines()[-1]
