"""The control API and the commands over it, with the simulator as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from simulator_answers import failure
from simulator_client import Client
from simulator_member import Member

from streams.errors import StackFailed
from streams.simulator.config import CONTROL_FILE
from streams.simulator.control import Control

ANY_PORT = "127.0.0.1:0"


@dataclass(frozen=True, kw_only=True)
class Child:
    """A simulator started by the command line, and what it said where it is."""

    folder: Path
    said: dict[str, str]

    @property
    def url(self) -> str:
        return self.said["control"]


async def command(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of `streams simulator ...`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams", "simulator", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "160"},
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams", "simulator", "run", "--state", str(folder), "--control", ANY_PORT),
        *("--listen", ANY_PORT, "--org2-listen", ANY_PORT, "--orderer-listen", ANY_PORT),
        *("--block-interval-s", "0.05"),
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None
        said = {}
        while "control" not in said:
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert line, "the simulator ended"
            name, _, where = line.strip().rpartition(" on ")
            said[name] = where
        yield Child(folder=folder, said=said)
    finally:
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), 60) == 0


@pytest.fixture
async def child(tmp_path: Path) -> AsyncIterator[Child]:
    async with started(tmp_path) as running:
        yield running


def ask(url: str, method: str = "GET", body: object = None, content_type: str = "application/json") -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Content-Type": content_type},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def test_commands_put_a_fault_in_force_list_it_and_take_it_out(child: Child) -> None:
    here = ("--state", str(child.folder))
    wallet = child.folder / "wallet"
    credentials = grpc.ssl_channel_credentials((wallet / "tlsca-cert").read_bytes())
    added = await command("fault", "add", "refuse-endorsement", "message=closed today", "count=1", *here)
    assert added[:2] == (0, "fault 1 is in force\n")
    async with grpc.aio.secure_channel(child.said["listening"], credentials) as channel:
        client = Client(channel, Member.of_wallet(wallet, "org1-super-admin"))
        refused = await failure(client.endorsed("AdminContract:BootstrapSystem"))
        assert refused.details is not None
        assert refused.details[0][2] == "chaincode response 500, closed today"
        assert (await client.transact("AdminContract:BootstrapSystem"))[0] == "VALID"
    code, output, _ = await command("fault", "list", "--json", *here)
    (listed,) = json.loads(output)
    assert (code, listed["kind"], listed["struck"], listed["spent"]) == (0, "refuse-endorsement", 1, True)
    assert "closed today" in (await command("fault", "list", *here))[1]
    assert (await command("fault", "clear", "1", *here))[0] == 0
    assert ask(child.url + "/faults") == (200, [])


async def test_every_address_is_announced_and_the_control_file_goes_with_the_process(tmp_path: Path) -> None:
    async with started(tmp_path) as child:
        assert set(child.said) == {"listening", "peer of Org2MSP", "orderer", "control"}
        assert (tmp_path / CONTROL_FILE).read_text().strip() == child.url
    assert not (tmp_path / CONTROL_FILE).exists()
    code, _, errors = await command("fault", "list", "--state", str(tmp_path))
    assert (code, "start the simulator with --control" in errors) == (1, True)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("lat", "no kind of fault is called 'lat'; there are refuse-endorsement, "),
        ("late delay_s=x", "delay_s: must be a valid number"),
        ("late call=deliver", "call: must be 'endorse', 'evaluate', 'submit' or 'commit-status'"),
        ("late hours=3", "hours: late has no such field; it has identity, function, "),
        ("clock-skew", "skew_s: clock-skew needs it"),
        ("late 3", "'3' is not FIELD=VALUE"),
        ("late call=submit call=endorse", "call: give it once"),
        ("late kind=restart", "kind: give it once and first"),
        ("late probability=0", "probability: must be greater than 0"),
        ("late function=PauseSystem", "function: nothing is called 'PauseSystem'; did you mean AdminContract:Pause"),
        ("late function=Nope", "function: nothing is called 'Nope'; it is Contract:Function"),
        ("refuse-endorsement organisation=Org9MSP", "organisation: must be 'Org1MSP' or 'Org2MSP'"),
    ],
)
async def test_a_wrong_fault_is_a_wrong_call_that_says_what_is_wrong(call: str, complaint: str) -> None:
    code, output, errors = await command("fault", "add", *call.split(), "--control", "http://127.0.0.1:1")
    assert (code, output) == (2, "")
    assert complaint in unfolded(errors)
    assert "Traceback" not in errors


async def test_a_fault_can_be_limited_to_who_is_there_and_to_what_is_called(child: Child) -> None:
    functions = ("AdminContract:PauseSystem", "*:Pause*", "CreateUser", "GetChainInfo")
    for limit in ("identity=org1-admin", *(f"function={function}" for function in functions)):
        assert (await command("fault", "add", "late", limit, "--control", child.url))[0] == 0
    code, _, errors = await command("fault", "add", "late", "identity=nobody", "--control", child.url)
    assert code == 2
    assert "identity: the wallet has no 'nobody'; it has org1-admin, org1-partner-api, org1-" in unfolded(errors)


def unfolded(errors: str) -> str:
    """What typer prints in a box, as one line."""
    return " ".join(errors.replace("│", " ").split())


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1:-5", "foo"])
async def test_an_address_that_is_none_is_a_wrong_call(tmp_path: Path, address: str) -> None:
    code, output, errors = await command("run", "--state", str(tmp_path), "--listen", address)
    assert (code, output) == (2, "")
    assert f"{address!r} is not HOST:PORT" in errors


async def test_the_api_says_what_is_wrong_with_a_request(child: Child) -> None:
    faults = child.url + "/faults"
    assert ask(faults, "POST", {"kind": "late"}, content_type="text/plain")[0] == 415
    assert ask(faults, "POST", {"kind": "late", "delay_s": -1})[0] == 400
    assert ask(child.url + "/else")[0] == 404
    assert ask(faults + "/7", "DELETE") == (404, {"error": "there is no such fault"})
    code, added = ask(faults, "POST", {"kind": "late", "delay_s": 0.5})
    assert (code, added["number"], added["delay_s"]) == (201, 1, 0.5)
    assert ask(faults, "DELETE") == (200, [])
    assert ask(faults) == (200, [])


async def test_the_kinds_are_listed_with_their_fields() -> None:
    code, output, _ = await command("fault", "kinds")
    assert code == 0
    said = " ".join(output.split())
    assert "unnoticed_s=2.0" in said
    assert "skew_s (required)" in said
    assert "probability=1.0" in said
    assert "call=submit (endorse|evaluate|submit|commit-status)" in said


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "127.0.0.1", "127.0.0.1:x"])
async def test_the_control_api_listens_on_the_loopback_interface_only(listen: str) -> None:
    with pytest.raises(StackFailed, match=r"127\.0\.0\.1:PORT only"):
        Control(None, listen)  # type: ignore[arg-type]


async def test_without_control_there_is_none(tmp_path: Path) -> None:
    code, _, errors = await command("fault", "add", "late", "--state", str(tmp_path))
    assert (code, "there is no" in errors) == (1, True)
