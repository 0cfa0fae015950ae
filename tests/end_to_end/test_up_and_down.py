"""`streams up` and `streams down`, on a line under the names of the profile `camel_case`."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from processes import foreground, living, registered, until_registered, wait_beside
from running_line import streams, until, usual_folder

from streams.local.registry import Identity, stop_supervisor

UP = ("up", "--profile", "camel_case", "--block-interval-s", "0.1")
STATE = Path(".local", "state")
FIRST = ("simulator", "postgres", "kafka", "connect")


@dataclass(frozen=True)
class Stopped:
    """A line that was brought up in the foreground, carried a command, and was interrupted."""

    folder: Path
    processes: dict[str, Identity]
    exit_code: int
    printed: str
    command_id: str
    story: Any
    status: Any


@pytest.fixture(scope="module")
def stopped(jars: None, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    folder = usual_folder(tmp_path_factory.mktemp("camel"))
    with foreground(folder, *UP) as up:
        wait_beside(up, (folder / ".local" / "stack.env").exists, "a line that is up")
        sent = streams(folder, "send", "BOOTSTRAP_SYSTEM", "--wait", text="{}")
        assert sent.returncode == 0, sent.stdout + sent.stderr
        command_id = sent.stdout.split()[0]
        story, status = ask(folder, "trace", command_id), ask(folder, "status")
        processes = registered(folder / STATE)
        up.send_signal(signal.SIGINT)
        printed, _ = up.communicate(timeout=60)
    return Stopped(folder, processes, up.returncode, printed, command_id, story, status)


@pytest.fixture(scope="module")
def up_again(stopped: Stopped) -> Iterator[Path]:
    """The same folder with a detached line."""
    ran = streams(stopped.folder, *UP, "--detach")
    try:
        assert ran.returncode == 0, ran.stderr
        yield stopped.folder
    finally:
        stop_supervisor(stopped.folder / STATE / "processes.json")


def ask(folder: Path, *arguments: str) -> Any:
    ran = streams(folder, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_row_under_camel_case_names_becomes_a_transaction(stopped: Stopped) -> None:
    assert stopped.story["row"]["status"] == "COMMITTED"
    assert stopped.story["change_events"][0]["origin"]["topic"] == "gx.public.OutboxCommand"
    assert stopped.story["ledger"][0]["code"] == "VALID"


def test_ctrl_c_stops_the_line_and_leaves_no_process_behind(stopped: Stopped) -> None:
    assert stopped.exit_code == 0
    assert "The line is up" in stopped.printed
    assert stopped.printed.endswith("The line is stopped; its state is kept.\n")
    assert len(stopped.processes) == 10
    assert [name for name, process in stopped.processes.items() if process.is_alive] == []
    assert not (stopped.folder / ".local" / "stack.env").exists()


def test_up_finds_everything_as_it_was(stopped: Stopped, up_again: Path) -> None:
    def offsets(status: Any) -> dict[str, tuple[int, int]]:
        return {lag["topic"]: (lag["records"], lag["end_offset"]) for lag in status["lags"]}

    status = ask(up_again, "status")
    assert (status["rows"], offsets(status)) == (stopped.status["rows"], offsets(stopped.status))
    assert ask(up_again, "trace", stopped.command_id) == stopped.story


def test_a_line_that_was_up_before_carries_new_commands(up_again: Path) -> None:
    countries = json.dumps({"countriesData": [{"code": "MY", "name": "Malaysia", "percentage": 0.0042}]})
    sent = streams(up_again, "send", "INITIALIZE_COUNTRY_DATA", "--wait", text=countries)
    assert sent.returncode == 0, sent.stdout
    story = ask(up_again, "trace", sent.stdout.split()[0])
    assert [change["from_snapshot"] for change in story["change_events"]] == [False]
    assert [answer["code"] for answer in story["ledger"]] == ["VALID"]


def test_check_finds_every_dependency_and_identity_in_order(up_again: Path) -> None:
    ran = streams(up_again, "check")
    assert ran.returncode == 0
    assert [text.split(":")[0] for text in ran.stdout.splitlines()] == [
        "OK     postgres",
        "OK     replication slot",
        "OK     connect",
        "OK     kafka",
        "OK     routes",
        "OK     identity org1-super-admin",
        "OK     identity org1-admin",
        "OK     identity org1-partner-api",
    ]


def test_a_second_line_in_the_same_folder_is_refused(up_again: Path) -> None:
    ran = streams(up_again, *UP, "--detach")
    assert (ran.returncode, ran.stderr) == (1, "streams: the stack in .local is running already\n")


def test_down_stops_the_line_and_purge_removes_its_data(up_again: Path) -> None:
    processes = registered(up_again / STATE)
    assert len(processes) == 10
    down = streams(up_again, "down")
    assert (down.returncode, down.stdout) == (0, "The line is stopped.\n")
    assert living(up_again) == []
    assert [name for name, process in processes.items() if process.is_alive] == []

    again = streams(up_again, "down", "--purge")
    assert (again.returncode, again.stdout) == (0, "No line is running here.\nIts data is removed.\n")
    assert not (up_again / STATE).exists()
    assert (up_again / ".local" / "jars").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_an_interruption_of_the_start_leaves_no_process_behind(
    jars: None, tmp_path: Path, number: signal.Signals
) -> None:
    folder = usual_folder(tmp_path / "interrupted")
    with foreground(folder, "up") as up:
        processes = until_registered(up, folder / STATE, *FIRST)
        up.send_signal(number)
        printed, _ = up.communicate(timeout=60)
    assert (up.returncode, printed) == (0, "The line is stopped; its state is kept.\n")
    assert [name for name, process in processes.items() if process.is_alive] == []
    assert living(folder) == []


def test_a_supervisor_that_is_killed_takes_its_processes_along(jars: None, tmp_path: Path) -> None:
    folder = usual_folder(tmp_path / "killed")
    with foreground(folder, "up") as up:
        until_registered(up, folder / STATE, *FIRST)
        up.kill()
        up.communicate(timeout=60)
    until(lambda: not living(folder), f"the end of all processes of {folder}")
