"""A row becomes a transaction, and the command line tells how."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from itertools import pairwise

import on_ledger
import pytest
from conftest import Population
from running_line import RunningLine

from streams.demo import payloads
from streams.demo.payloads import Names
from streams.demo.script import UNKNOWN_TYPE

STAGES = ["created", "captured", "routed", "taken", "endorsed", "submitted", "committed"]
LINE = ["route", "submit-org1-super-admin", "submit-org1-admin", "submit-org1-partner-api", "sink"]
GROUPS = ["route", "submit.org1-super-admin", "submit.org1-admin", "submit.org1-partner-api", "write-back"]


@pytest.fixture(scope="module")
def sent(empty_line: RunningLine, population: Population) -> str:
    """The id of a transfer that `streams send --wait` has carried."""
    payload = payloads.transfer(population.payers[0], population.payees[0], 2500, "Miete für Dezember")
    ran = empty_line.streams("send", "TRANSFER_TOKENS", "--wait", "--request-id", "rent", text=json.dumps(payload))
    assert (ran.returncode, ran.stderr) == (0, "")
    command_id, *told = ran.stdout.splitlines()
    row = empty_line.rows([command_id])[command_id]
    assert told[0] == "PENDING"
    assert told[-1] == f"COMMITTED  {row.transaction_id}  block {row.block_number}"
    return command_id


def test_a_row_becomes_a_valid_transaction_with_its_arguments(
    line: RunningLine, population: Population, sent: str
) -> None:
    row = line.rows([sent])[sent]

    async def looked_up() -> tuple[str, int, tuple[str, ...]]:
        async with on_ledger.gateways(line) as by_identity:
            entry = await by_identity["org1-admin"].look_up(row.transaction_id or "")
        assert entry is not None
        return entry.code, entry.block_number, entry.arguments

    payer, payee = population.payers[0], population.payees[0]
    arguments = ("TokenomicsContract:TransferWithFees", payer, payee, "2500", "", "Miete für Dezember", "")
    assert asyncio.run(looked_up()) == ("VALID", row.block_number, arguments)
    assert (row.status, row.attempts, row.error_code, row.error) == ("COMMITTED", 1, None, None)
    assert (row.tenant_id, row.request_id, row.service) == ("default", "rent", "streams-cli")


def test_trace_tells_the_whole_story(line: RunningLine, population: Population, sent: str) -> None:
    story = line.json("trace", sent)

    row = story["row"]
    assert (row["command_id"], row["status"]) == (sent, "COMMITTED")
    (change,) = story["change_events"]
    assert change["origin"]["topic"] == line.cdc_topic
    assert change["lsn"] > 0
    assert not change["from_snapshot"]
    (routed,) = story["routed"]
    assert routed["origin"]["topic"] == "commands.org1-admin"
    assert routed["command"]["identity"] == "org1-admin"
    assert routed["command"]["ordering_key"] == population.payers[0]
    assert routed["command"]["captured_from"] == change["origin"]
    outcomes = [told["outcome"] for told in story["outcomes"]]
    assert [told["kind"] for told in outcomes] == ["submitted", "committed"]
    assert {told["worker"] for told in outcomes} == {"submit-org1-admin"}
    assert {told["origin"]["topic"] for told in story["outcomes"]} == {"results"}
    assert story["dead_letters"] == []
    (answer,) = story["ledger"]
    assert (answer["identity"], answer["attempt"], answer["code"]) == ("org1-admin", 0, "VALID")
    assert (answer["transaction_id"], answer["block_number"]) == (row["transaction_id"], row["block_number"])
    assert story["ledger_problem"] is None


def test_trace_tells_the_time_of_every_stage(line: RunningLine, sent: str) -> None:
    story = line.json("trace", sent)
    assert list(story["stages"]) == STAGES
    times = [datetime.fromisoformat(at) for at in story["stages"].values()]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert list(story["durations_s"]) == STAGES[1:]
    assert sum(story["durations_s"].values()) == pytest.approx((times[-1] - times[0]).total_seconds())


def test_people_read_the_same_story_as_a_table(line: RunningLine, sent: str) -> None:
    ran = line.streams("trace", sent)
    row = line.rows([sent])[sent]
    assert ran.returncode == 0
    for part in ("change event", "routed", "outcome", f"VALID in block {row.block_number}", "committed +"):
        assert part in ran.stdout
    assert (row.transaction_id or "") in ran.stdout.replace("\n", "")


def test_a_request_id_counts_once_per_tenant(line: RunningLine, population: Population, sent: str) -> None:
    payload = json.dumps(payloads.transfer(population.payers[0], population.payees[0], 2500))
    again = line.streams("send", "TRANSFER_TOKENS", "--request-id", "rent", text=payload)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "streams: request id rent was already used by tenant default\n"
    other = line.streams("send", "TRANSFER_TOKENS", "--request-id", "rent", "--tenant", "other", text=payload)
    assert other.returncode == 0
    assert line.final([other.stdout.strip()])[other.stdout.strip()].status == "COMMITTED"


def test_status_shows_every_process_topic_and_row(line: RunningLine, sent: str) -> None:
    shown = line.json("status")

    processes = {process["name"]: process for process in shown["processes"]}
    assert list(processes) == ["simulator", "postgres", "kafka", "connect", *LINE, "monitor"]
    assert all(process["alive"] for process in processes.values())
    assert {name: process["pid"] for name, process in processes.items()} == {
        name: line.line.stack.supervisor.pid(name) for name in processes
    }
    assert (shown["connector"]["connector"], shown["connector"]["tasks"]) == ("RUNNING", ["RUNNING"])
    assert [slot["active"] for slot in shown["slots"]] == [True]
    replays = [group for group in GROUPS if group.startswith("submit.")]
    assert [(lag["group"], lag["records"]) for lag in shown["lags"]] == [(group, 0) for group in (*GROUPS, *replays)]
    assert shown["rows"]["COMMITTED"] > 0
    assert shown["problems"] == {}


def test_people_read_the_same_status_as_a_table(line: RunningLine, sent: str) -> None:
    ran = line.streams("status")
    assert ran.returncode == 0
    for part in (*LINE, *GROUPS, "connector  RUNNING, tasks RUNNING", "gx_outbox active", "COMMITTED"):
        assert part in ran.stdout


def test_check_names_what_is_wrong_and_looks_at_the_rest_all_the_same(line: RunningLine) -> None:
    ran = line.streams("check")
    found = ran.stdout.splitlines()
    assert ran.returncode == 1
    (failed,) = [text for text in found if text.startswith("FAILED")]
    assert failed.startswith("FAILED routes: ")
    assert UNKNOWN_TYPE in failed
    assert [text for text in found if text.startswith("OK     identity ")] == found[-3:]


def test_a_failed_command_is_a_failed_call_that_says_why(line: RunningLine, names: Names) -> None:
    payload = payloads.transfer(names.user_id("MY"), names.user_id("DE"), 1)
    ran = line.streams("send", "TRANSFER_TOKENS", "--wait", text=json.dumps(payload))
    assert ran.returncode == 1
    assert "FAILED  CHAINCODE_REFUSED: sender validation failed" in ran.stdout.splitlines()[-1]
