"""Calls of the command line: 2 for a wrong call, 1 for a failure, one clear line, never a traceback."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from running_line import RunningLine, streams, usual_folder

WRONG_CALL, FAILURE = 2, 1
KAFKA = {"STREAMS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
POSTGRES = {"STREAMS_POSTGRES__DSN": "postgresql://nobody:secret@127.0.0.1:1/nothing"}
CONNECT = {"STREAMS_CONNECT__URL": "http://127.0.0.1:1"}
FABRIC = {
    "STREAMS_FABRIC__GATEWAY": "127.0.0.1:1",
    "STREAMS_FABRIC__TLS_CA_FILE": "no-such-file",
    "STREAMS_FABRIC__WALLET": "no-such-folder",
    "STREAMS_FABRIC__NONCE_SECRET_FILE": "nonce-secret",
}
EVERYTHING = KAFKA | POSTGRES | CONNECT | FABRIC
COMMANDS = [
    "up",
    "down",
    "demo",
    "drill ledger-down",
    "status",
    "top",
    "send",
    "trace",
    "check",
    "sink",
    "monitor",
    "lag",
    "worker route",
    "worker submit",
    "routes check",
    "topics",
    "nonce-secret",
    "lanes list",
    "lanes pause",
    "lanes resume",
    "dead-letters list",
    "dead-letters show",
    "dead-letters redrive",
    "dead-letters discard",
    "dead-letters edit",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(tmp_path: Path, command: str) -> None:
    ran = streams(tmp_path, *command.split(), "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"streams {command}" in ran.stdout.partition("Example:")[2]


# Call, settings in the environment, and what is said of it.
WRONG_CALLS = [
    ("no-such-command", {}, "No such command 'no-such-command'"),
    ("status --no-such-option", {}, "No such option: --no-such-option"),
    ("send", {}, "Missing argument 'TYPE'"),
    ("trace", {}, "Missing argument"),
    ("worker", {}, "Usage: streams worker"),
    ("worker submit", KAFKA | FABRIC, "Missing option '--identity'"),
    ("up --port kafka=none", {}, "'kafka=none' is not NAME=PORT"),
    ("up --port nothing=1024", {}, "'nothing=1024' is not NAME=PORT"),
    ("up --ledger paper", {}, "'paper' is not one of simulator, native, external"),
    ("up --routes no-such-file", {}, "no-such-file"),
    ("up --profile no_such_profile", {}, "profile 'no_such_profile': neither one of camel_case, snake_case nor a file"),
    ("up --ledger external", {}, "STREAMS_FABRIC__GATEWAY: is not set"),
    ("send PAUSE_SYSTEM --payload no-such-file", POSTGRES, "no-such-file"),
    ("send PAUSE_SYSTEM", {}, "STREAMS_POSTGRES__DSN: is not set"),
    ("status", {}, "STREAMS_CONNECT__URL: is not set"),
    ("check", EVERYTHING | {"STREAMS_KAFKA__BOOTSTRAP": "x"}, "did you mean STREAMS_KAFKA__BOOTSTRAP_SERVERS?"),
    ("sink", KAFKA, "STREAMS_POSTGRES__DSN: is not set"),
    ("sink", KAFKA | POSTGRES | {"STREAMS_POSTGRES__PROFILE": "no"}, "profile 'no'"),
    ("monitor", KAFKA | POSTGRES, "STREAMS_CONNECT__URL: is not set"),
    ("monitor", EVERYTHING | {"STREAMS_MONITOR__LISTEN": "x"}, "STREAMS_MONITOR__LISTEN: value error, is not"),
    ("lag", {}, "STREAMS_KAFKA__BOOTSTRAP_SERVERS: is not set"),
    ("lanes pause --all", EVERYTHING, "Missing option '--reason'"),
    ("lanes pause --reason x", EVERYTHING, "name what to pause"),
    ("lanes pause --reason x --all --tenant acme", EVERYTHING, "name what to pause"),
    ("lanes pause --reason x --identity nobody", EVERYTHING, "no identity nobody"),
    ("dead-letters redrive", EVERYTHING, "name the letters"),
    ("dead-letters list --since yesterday", EVERYTHING, "'yesterday' is neither a time nor an age"),
    ("worker route", {}, "STREAMS_KAFKA__BOOTSTRAP_SERVERS: is not set"),
    ("worker submit --identity org1-admin", KAFKA, "STREAMS_FABRIC__WALLET: is not set"),
    (
        "worker submit --identity org1-admin",
        KAFKA | FABRIC | {"STREAMS_SUBMIT__MAX_IN_FLIGHT": "-5"},
        "STREAMS_SUBMIT__MAX_IN_FLIGHT: ",
    ),
]
NO_PROGRAMS = {"PATH": "/usr/bin:/bin", "FABRIC_BIN": ""}
FAILURES = [
    ("up --ledger native", NO_PROGRAMS, "--ledger native needs peer, orderer, configtxgen, cryptogen and osnadmin"),
    ("up --roles nobody", {}, "there is no role map 'nobody'"),
    ("send PAUSE_SYSTEM --payload payload.json", POSTGRES, "127.0.0.1"),
    ("trace c-1", EVERYTHING, "127.0.0.1"),
    ("lag", KAFKA, "streams: Kafka at 127.0.0.1:1 could not be asked: "),
    ("status", EVERYTHING, "rows: could not be asked:"),
    ("worker submit --identity org1-admin", KAFKA | FABRIC, "org1-admin"),
    ("routes check no-such-file.toml", {}, "no-such-file.toml"),
    ("routes check broken.toml", {}, "broken.toml"),
]


@pytest.mark.parametrize(("call", "settings", "said"), WRONG_CALLS)
def test_a_wrong_call_ends_with_2_and_says_what_is_wrong(
    tmp_path: Path, call: str, settings: dict[str, str], said: str
) -> None:
    refuse(usual_folder(tmp_path / "folder"), WRONG_CALL, call, settings, said)


@pytest.mark.parametrize(("call", "settings", "said"), FAILURES)
def test_a_failure_ends_with_1_and_says_what_failed(
    tmp_path: Path, call: str, settings: dict[str, str], said: str
) -> None:
    folder = usual_folder(tmp_path / "folder")
    (folder / "payload.json").write_text("{}")
    (folder / "broken.toml").write_text("[commands")
    refuse(folder, FAILURE, call, settings, said)


def test_a_detached_line_that_does_not_come_up_complains_as_one_in_the_foreground(jars: None, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = streams(usual_folder(tmp_path / "folder"), "up", "--detach", "--port", f"kafka={port}")
    first, *rest = ran.stderr.splitlines()
    assert ran.returncode == 1
    assert first.startswith("streams: the line did not come up; the end of ")
    assert rest == [f"streams: port {port}, set for kafka, is taken by another process"]


def refuse(folder: Path, code: int, call: str, settings: dict[str, str], said: str) -> None:
    ran = streams(folder, *call.split(), **settings)
    # A frame is drawn around what is said of a wrong call, and long lines are folded.
    complaint = " ".join((ran.stdout + ran.stderr).replace("│", " ").split())
    assert (ran.returncode, said in complaint) == (code, True), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "secret" not in ran.stdout + ran.stderr


def test_check_says_of_each_dependency_that_it_failed(tmp_path: Path) -> None:
    ran = streams(tmp_path, "check", **EVERYTHING)
    assert (ran.returncode, ran.stderr) == (FAILURE, "")
    found = [line.partition(":")[0].split(maxsplit=1) for line in ran.stdout.splitlines()]
    dependencies = ["postgres", "replication slot", "connect", "kafka", "routes"]
    identities = [f"identity {name}" for name in ("org1-super-admin", "org1-admin", "org1-partner-api")]
    assert found == [["FAILED", what] for what in (*dependencies, *identities)]


def test_a_table_of_routes_is_checked_without_a_line(tmp_path: Path) -> None:
    ran = streams(tmp_path, "routes", "check")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "27 command types, 3 identities: OK" in ran.stdout
    rows = json.loads(streams(tmp_path, "routes", "check", "--json").stdout)
    assert len(rows) == 27


def test_down_where_nothing_runs_is_fine(tmp_path: Path) -> None:
    ran = streams(tmp_path, "down")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "No line is running here.\n", "")


# Against a line that runs: what is refused there.
REFUSED_BY_THE_LINE = [
    (["send", "PAUSE_SYSTEM"], "not JSON", "the payload is not JSON"),
    (["send", "NO_SUCH_TYPE"], "{}", "NO_SUCH_TYPE: not a command type of the table outbox_commands"),
    (["send", "PAUSE_SYSTEM"], '"\\u0000"', "the database refuses the command"),
    (["trace", "no-such-command"], "", "no row with id no-such-command in public.outbox_commands"),
]


@pytest.mark.parametrize(("arguments", "text", "said"), REFUSED_BY_THE_LINE)
def test_what_the_line_refuses_is_a_failure_in_one_line(
    line: RunningLine, arguments: list[str], text: str, said: str
) -> None:
    ran = line.streams(*arguments, text=text)
    assert (ran.returncode, ran.stdout) == (FAILURE, "")
    (complaint,) = ran.stderr.splitlines()
    assert complaint.startswith(f"streams: {said}")


def test_a_command_that_is_not_final_in_time_is_a_failure_that_says_where_to_look(line: RunningLine) -> None:
    ran = line.streams("send", "RESUME_SYSTEM", "--wait", "--timeout-s", "0", text="{}")
    assert ran.returncode == FAILURE
    command_id = ran.stdout.splitlines()[0]
    assert ran.stderr == f"streams: {command_id} is still PENDING after 0 s; see: streams trace {command_id}\n"
    assert line.final([command_id])[command_id].status == "FAILED"
