"""Replays on the whole line: plans, redrives, pauses, a publisher that is killed, certificates that were renewed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import Population
from on_ledger import height
from running_line import STREAMS, RunningLine, environment, streams

from streams.demo import payloads
from streams.demo.payloads import Names
from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.lag import lags, stretches
from streams.kafka.ranges import acknowledged, read_range
from streams.kafka.replays import Replay
from streams.kafka.topics import commands_topic, replays_topic
from streams.local.postgres import SUPERUSER
from streams.local.stack import DATABASE
from streams.operations.audit import append

PARTNER = "org1-partner-api"
MANY = 60


def offsets(line: RunningLine, identity: str) -> dict[int, int]:
    """Of the live topic."""
    topic = commands_topic(identity)
    held = stretches(line.bootstrap_servers, topic)
    return acknowledged(line.bootstrap_servers, submit_group(identity), topic, held)


def until_replayed(line: RunningLine) -> None:
    group = {submit_group(PARTNER): replays_topic(PARTNER)}
    line.until(lambda: not any(lag.records for lag in lags(line.bootstrap_servers, group)), "no lag of replays")


def deliver_all_again(line: RunningLine) -> int:
    """Every record of the live topic, whatever a plan would say; how many."""
    topic, how = commands_topic(PARTNER), Replay(replay_id="everything", share=1.0, is_redrive=True)
    records: list[tuple[bytes | None, bytes, Mapping[str, str]]] = []
    for message in read_range(line.bootstrap_servers, topic, stretches(line.bootstrap_servers, topic)):
        command = codecs.ROUTED_COMMANDS.decode(message.value())
        records.append((message.key(), message.value() or b"", how.headers(command)))
    append(line.bootstrap_servers, replays_topic(PARTNER), records)
    return len(records)


def verdicts(line: RunningLine, *flags: str) -> dict[str, int]:
    """Records by verdict."""
    counts: dict[str, int] = {}
    for by_verdict in line.json("replay", *flags)["by_type"].values():
        for verdict, count in by_verdict.items():
            counts[verdict] = counts.get(verdict, 0) + count
    return counts


async def test_replaying_a_whole_topic_twice_leaves_the_ledger_as_it_is_also_after_a_renewal(
    line: RunningLine, names: Names
) -> None:
    command_ids = line.carry("CREATE_USER", *(payloads.create_user(names.user_id("MY")) for _ in range(5)))
    renewed = line.streams(
        "simulator", "renew", PARTNER, "--state", ".local/state/ledger", "--wallet", ".local/state/wallet"
    )
    assert renewed.returncode == 0, renewed.stderr
    line.carry("CREATE_USER", payloads.create_user(names.user_id("MY")))
    line.settle()
    before = (await height(line), line.rows(list(command_ids)), offsets(line, PARTNER))

    asked = verdicts(line, "--identity", PARTNER, "--ask-all", "--type", "CREATE_USER")
    assert asked.keys() == {"already committed"}
    for _ in range(2):
        assert deliver_all_again(line) >= 6
        until_replayed(line)
    line.settle()
    assert (await height(line), line.rows(list(command_ids)), offsets(line, PARTNER)) == before


def refused_transfers(line: RunningLine, payer: str, payee: str, count: int) -> list[str]:
    """Transfers to somebody who is not there yet."""
    wanted = [payloads.transfer(payer, payee, 1, f"replay {number}") for number in range(count)]
    command_ids = line.insert("TRANSFER_TOKENS", *wanted)
    assert {row.status for row in line.final(command_ids).values()} == {"FAILED"}
    return command_ids


def only(command_ids: list[str]) -> list[str]:
    return [part for command_id in command_ids for part in ("--command-id", command_id)]


def test_what_failed_is_tried_again_only_on_demand_and_a_stale_plan_is_refused(
    line: RunningLine, population: Population, names: Names
) -> None:
    payee = names.user_id("MY")
    (failed,) = refused_transfers(line, population.payers[0], payee, 1)
    line.carry("CREATE_USER", payloads.create_user(payee))
    line.settle()
    live = offsets(line, "org1-admin")
    assert verdicts(line, "--command-id", failed) == {"failed, curable": 1}
    untouched = line.streams("replay", "--command-id", failed, "--execute")
    assert untouched.stdout.endswith("Nothing is to be published.\n")

    made = line.streams("replay", "--command-id", failed, "--include-failed", "--export", "stale.jsonl")
    assert made.returncode == 0, made.stderr
    (done,) = line.json("replay", "--command-id", failed, "--include-failed", "--execute")
    assert (done["state"], done["planned"], done["published"]) == ("finished", 1, 1)
    line.until(lambda: line.rows([failed])[failed].status == "COMMITTED", "a commit of what had failed")
    assert verdicts(line, "--command-id", failed) == {"already committed": 1}
    stale = line.streams("replay", "--execute", "--plan", "stale.jsonl")
    assert stale.returncode == 1
    assert f"the plan is stale: 1 of its commands have a newer outcome ({failed})" in stale.stderr
    assert offsets(line, "org1-admin") == live


def progress(line: RunningLine, plan: Path) -> Mapping[str, Any]:
    """Of the replay that executes the plan; empty: it has not begun."""
    wanted = json.loads(plan.read_text().partition("\n")[0])["plan_id"]
    replays = line.json("replay", "status")
    return next((one for one in replays if one["plan_id"] == wanted), {})


@pytest.fixture
def publisher(line: RunningLine, population: Population, names: Names) -> Any:
    """(plan, process that publishes it so slowly that it can be paused on a busy machine, the commands)."""
    payee, plan = names.user_id("MY"), line.folder / "slow.jsonl"
    command_ids = refused_transfers(line, population.payers[1], payee, MANY)
    line.carry("CREATE_USER", payloads.create_user(payee))
    flags = [*only(command_ids), "--include-failed", "--export", plan.name]
    assert line.streams("replay", *flags).returncode == 0
    arguments = [str(STREAMS), "replay", "--execute", "--plan", plan.name, "--rate", "0.5"]
    process = subprocess.Popen(arguments, cwd=line.folder, env=environment({}), stdout=subprocess.DEVNULL)
    yield plan, process, command_ids
    process.kill()
    process.wait()


def test_a_replay_pauses_and_what_a_killed_publisher_left_is_published_by_another(
    line: RunningLine, publisher: tuple[Path, subprocess.Popen[bytes], list[str]]
) -> None:
    plan, process, command_ids = publisher
    line.until(lambda: progress(line, plan).get("handled", 0) >= 2, "a replay that has begun")
    replay_id = progress(line, plan)["replay_id"]
    assert line.streams("replay", "pause", replay_id).returncode == 0
    line.until(lambda: progress(line, plan)["state"] == "paused", "a pause")
    handled = progress(line, plan)["handled"]
    assert 2 <= handled < MANY
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (progress(line, plan)["handled"], progress(line, plan)["rate"]) == (handled, 0.5)

    resumed = line.streams("replay", "resume", replay_id, "--rate", "100")
    assert resumed.returncode == 0, resumed.stderr
    done = progress(line, plan)
    assert (done["state"], done["handled"], done["published"], done["changed"]) == ("finished", MANY, MANY, 0)
    assert (done["rate"], done["gone"]) == (100, 0)
    line.until(lambda: {row.status for row in line.rows(command_ids).values()} == {"COMMITTED"}, "all committed")


def never_captured(line: RunningLine, names: Names, count: int) -> list[str]:
    """Rows of a minute ago that the publication did not have."""
    publication, table = line.line.stack.connector.publication, line.line.profile.table
    with line.connect() as connection:
        connection.execute(f"ALTER PUBLICATION {publication} DROP TABLE {table}")
        lost = line.insert("CREATE_USER", *(payloads.create_user(names.user_id("MY")) for _ in range(count)))
        connection.execute(f"ALTER PUBLICATION {publication} ADD TABLE {table}")
        connection.execute(f"UPDATE {table} SET created_at = now() - interval '1 minute' WHERE id = ANY(%s)", (lost,))
    return lost


def test_rows_without_an_event_are_emitted_once_and_end_like_the_others(line: RunningLine, names: Names) -> None:
    lost = never_captured(line, names, 3)
    assert line.json("replay", "--from-table")["counts"] == {"no event: emit": 3}
    first = line.json("replay", "--from-table", "--execute", "--max", "1")
    assert (first["missing"], first["emitted"]) == (3, 1)
    done = line.json("replay", "--from-table", "--execute")
    assert (done["missing"], done["emitted"]) == (2, 2)
    assert {row.status for row in line.final(lost).values()} == {"COMMITTED"}
    assert line.json("replay", "--from-table")["missing"] == 0


@contextmanager
def capture_behind(line: RunningLine) -> Iterator[None]:
    """Meanwhile a slot of the database stands still, and the log goes on."""
    dsn = line.line.stack.postgres.dsn(SUPERUSER, DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('stands_still', 'pgoutput')")
        try:
            connection.execute("INSERT INTO cdc_heartbeat (ts) VALUES (now())")
            yield
        finally:
            connection.execute("SELECT pg_drop_replication_slot('stands_still')")


def test_rows_that_another_program_submitted_or_that_capture_has_not_passed_are_not_emitted(
    line: RunningLine, names: Names
) -> None:
    submitted, behind = never_captured(line, names, 2)
    table, impatient = line.line.profile.table, {"STREAMS_RECONCILE__CAPTURE_PATIENCE_S": "0"}
    named = f"UPDATE {table} SET status = 'LOCKED', fabric_tx_id = %s WHERE id = %s"
    with line.connect() as connection:
        connection.execute(named, ("ab" * 32, submitted))
    with capture_behind(line):
        ran = streams(line.folder, "replay", "--from-table", "--execute", "--json", **impatient)
    told = json.loads(ran.stdout)
    assert told["counts"] == {"in progress: capture has not passed it": 2}, ran.stderr
    assert (told["missing"], told["emitted"]) == (0, 0)

    done = line.json("replay", "--from-table", "--execute")
    assert (done["missing"], done["emitted"]) == (1, 1)
    (held,) = done["held_back"]
    assert (held["command_id"], "is not on the ledger" in held["reason"]) == (submitted, True)
    assert {row.status for row in line.final([behind]).values()} == {"COMMITTED"}
    assert line.rows([submitted])[submitted].status == "LOCKED"
    with line.connect() as connection:
        connection.execute(f"DELETE FROM {table} WHERE id = %s", (submitted,))
