"""What operators do about single commands, with the command line: pause, redrive, edit, discard."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from typing import Any

from conftest import Population
from running_line import RunningLine, streams

from streams.demo import payloads
from streams.operations.audit import actions

BEGAN_AT = datetime.now(UTC)
OPERATOR = "eve"


def call(line: RunningLine, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    settings = {"STREAMS_OPERATOR": OPERATOR, "STREAMS_FABRIC__SETTLE_S": "0.5"}
    return streams(line.folder, *arguments, text=text, **settings)


def done(line: RunningLine, *arguments: str, text: str = "") -> str:
    ran = call(line, *arguments, text=text)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def letters(line: RunningLine, *filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(line, "dead-letters", "list", "--each", "--json", *filters))
    return found


def failed(line: RunningLine, payload: object, command_type: str = "TRANSFER_TOKENS") -> str:
    (command_id,) = line.insert(command_type, payload)
    assert line.final([command_id])[command_id].status == "FAILED"
    line.until(lambda: bool(letters(line, "--command-id", command_id)), "its letter")
    return command_id


def test_what_an_operator_pauses_stays_pending_and_says_why(line: RunningLine, population: Population) -> None:
    payer, payee = population.payers[-2], population.payees[-2]
    done(line, "lanes", "pause", "--identity", "org1-admin", "--key", payer, "--reason", "incident 42")
    (held,) = line.insert("TRANSFER_TOKENS", payloads.transfer(payer, payee, 1))
    line.until(lambda: line.rows([held])[held].error_code == "PAUSED", "a row that says why it waits")
    row = line.rows([held])[held]
    assert row.status == "PENDING"
    assert re.fullmatch(rf"paused by {OPERATOR} at \S+: incident 42", row.error or "")
    assert [pause["ordering_key"] for pause in line.json("status")["pauses"]] == [payer]
    assert payer in done(line, "lanes", "list")

    wrong = call(line, "lanes", "resume", "--identity", "org1-admin")
    assert (wrong.returncode, "no pause names exactly identity org1-admin" in wrong.stderr) == (1, True)
    done(line, "lanes", "resume", "--identity", "org1-admin", "--key", payer)
    row = line.final([held])[held]
    assert (row.status, row.error) == ("COMMITTED", None)
    assert done(line, "lanes", "list") == "Nothing is paused.\n"


def test_a_refused_command_is_redriven_when_its_cause_is_gone(line: RunningLine, population: Population) -> None:
    payer, payee, friend = population.payers[-1], population.payees[-1], population.payers[-3]
    poor = failed(line, payloads.transfer(payer, payee, 10**15))
    holds = re.search(r"holds (\d+)", line.rows([poor])[poor].error or "")
    assert holds is not None
    money = int(holds[1])
    short = failed(line, payloads.transfer(payer, payee, money + money // 4))
    line.carry("TRANSFER_TOKENS", payloads.transfer(friend, payer, money // 2))

    planned = json.loads(done(line, "dead-letters", "redrive", "--command-id", short, "--dry-run", "--json"))
    assert [(step["deed"], step["why"]) for step in planned] == [("submit", "is not on the ledger")]
    assert line.rows([short])[short].status == "FAILED"
    done(line, "dead-letters", "redrive", "--command-id", short, "--reason", "funded", "--execute")
    line.until(lambda: line.rows([short])[short].status == "COMMITTED", "the redriven command")
    assert line.rows([short])[short].error is None
    assert letters(line, "--command-id", short) == []
    (told,) = letters(line, "--command-id", short, "--all")
    assert told["resolution"]["by"] == OPERATOR


def test_an_edited_payload_is_checked_shown_and_submitted(line: RunningLine, population: Population) -> None:
    payer, payee = population.payers[-4], population.payees[-4]
    command_id = failed(line, {"fromUserId": payer, "amount": 5})
    file = line.folder / "payload.json"
    shown = json.loads(done(line, "dead-letters", "show", command_id, "--json"))
    assert (shown["code"], shown["kind"], shown["row"]) == ("MISSING_ARGUMENT", "malformed", "FAILED")

    file.write_text('{"fromUserId": "x"}')
    refused = call(line, "dead-letters", "edit", command_id, "--payload", str(file), "--reason", "ticket 7", "--yes")
    assert (refused.returncode, "is missing" in refused.stderr) == (1, True)
    file.write_text(json.dumps(payloads.transfer(payer, payee, 5)))
    edit = ("dead-letters", "edit", command_id, "--payload", str(file), "--reason", "ticket 7")
    assert f'+  "toUserId": "{payee}"' in done(line, *edit, "--dry-run")
    assert line.rows([command_id])[command_id].status == "FAILED"
    done(line, *edit, text="y\n")
    line.until(lambda: line.rows([command_id])[command_id].status == "COMMITTED", "the edited command")
    assert letters(line, "--command-id", command_id) == []
    assert "nothing to edit" in call(line, *edit, "--yes").stderr


def test_letters_are_grouped_by_cause_and_dealt_with(line: RunningLine, population: Population) -> None:
    command_ids = {failed(line, [population.payers[0], number]) for number in range(2)}
    (cause,) = [
        found
        for found in json.loads(done(line, "dead-letters", "list", "--code", "MALFORMED_PAYLOAD", "--json"))
        if found["command_type"] == "TRANSFER_TOKENS"
    ]
    assert cause["letters"] >= len(command_ids)
    of_the_type = ("--code", "MALFORMED_PAYLOAD", "--type", "TRANSFER_TOKENS")
    redrive = call(line, "dead-letters", "redrive", *of_the_type, "--execute")
    assert (redrive.returncode, "is refused by the routes of today" in redrive.stdout) == (1, True)
    done(line, "dead-letters", "discard", *of_the_type, "--reason", "test data", "--execute")
    assert letters(line, *of_the_type) == []
    assert command_ids <= {found["command_id"] for found in letters(line, *of_the_type, "--all")}
    wrong = call(line, "dead-letters", "discard", "--reason", "test data", "--execute")
    assert (wrong.returncode, "name the letters" in wrong.stderr) == (2, True)


def test_every_action_is_on_record(line: RunningLine) -> None:
    made = [action for action in actions(line.bootstrap_servers, BEGAN_AT) if action.by == OPERATOR]
    assert [action.action for action in made] == ["pause", "resume", "redrive", "edit", "discard"]
    assert [action.reason for action in made] == ["incident 42", "", "funded", "ticket 7", "test data"]
    assert made[2].counts == {"submit": 1}
