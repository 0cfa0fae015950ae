"""Pausing and letting go: two replicas follow within a second, nothing fails, and a restart forgets nothing."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from neighbours import Broker, eventually
from submit_bench import Bench

from streams.messages import OutcomeKind, RoutedCommand
from streams.operations import lanes
from streams.operations.audit import actions
from streams.operators import LaneControl
from streams.workers.decisions import Decisions
from streams.workers.pauses import Pauses
from streams.workers.resolved import Resolved

BEGAN_AT = datetime.now(UTC)
WITHIN_S = 1.0
AHEAD = 10


def control(line: Bench, *, is_paused: bool = True, **selector: str) -> LaneControl:
    named = {"identity": line.identity, **selector}
    return LaneControl(**named, is_paused=is_paused, reason="incident 7", by="eve", happened_at=datetime.now(UTC))  # type: ignore[arg-type]


async def pause(line: Bench, **selector: str) -> None:
    await asyncio.to_thread(lanes.pause, line.broker.bootstrap_servers, control(line, **selector))


async def resume(line: Bench, **selector: str) -> None:
    let_go = control(line, is_paused=False, **selector)
    await asyncio.to_thread(lanes.resume, line.broker.bootstrap_servers, [let_go])


async def two_replicas(line: Bench) -> None:
    """Both have a partition of their own."""
    await line.worker("one").start()
    await line.worker("two").start()
    first = [line.command("first"), line.command("first")]
    for partition, command in enumerate(first):
        line.produce(partition, command)
    await line.until_committed(*first)


def told(line: Bench, *commands: RoutedCommand) -> bool:
    return {command.command_id for command in commands} <= line.outcomes(OutcomeKind.WAITING).keys()


async def test_two_replicas_hold_and_let_go_within_a_second(line: Bench) -> None:
    await two_replicas(line)
    workers = [line.worker("one"), line.worker("two")]

    began_at = time.monotonic()
    await pause(line, tenant_id="acme")
    await eventually(lambda: all(w.metric("outbox_lanes_paused") == 1 for w in workers), "two that know")
    assert time.monotonic() - began_at < WITHIN_S

    held = [line.command(f"key {n}", tenant_id="acme") for n in range(4)]
    others = [line.command(f"key {n}") for n in range(4, 8)]
    for partition in (0, 1):
        line.produce(partition, *held[partition::2], *others[partition::2])
    await line.until_committed(*others)
    await eventually(lambda: told(line, *held), "rows that say why")
    assert not {command.command_id for command in held} & set(line.gate.called)
    assert sum(w.metric("outbox_window_in_use") for w in workers) == 0

    began_at = time.monotonic()
    await resume(line, tenant_id="acme")
    wanted = {command.command_id for command in held}
    await eventually(lambda: wanted <= set(line.gate.called), "commands that were let go")
    assert time.monotonic() - began_at < WITHIN_S
    await line.until_committed(*held)
    assert line.outcomes(OutcomeKind.FAILED) == {}
    assert line.outcomes(OutcomeKind.WAITING) == {command.command_id: 1 for command in held}


async def test_a_pause_survives_a_restart_and_a_worker_with_paused_commands_ends_at_once(line: Bench) -> None:
    worker, held = line.worker(), line.command("key")
    await pause(line)
    line.produce(0, held)
    await worker.start()
    await eventually(lambda: told(line, held), "a row that says why")
    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        began_at = time.monotonic()
        worker.send(number)
        assert await worker.ended() == code
        assert time.monotonic() - began_at < 10
        await worker.start()
        await eventually(lambda: worker.metric("outbox_commands_held") == 1, "the command once more")
    later = line.command("another")
    line.produce(1, later)
    await eventually(lambda: told(line, later), "one more that waits")
    assert line.gate.called == []

    await resume(line)
    await line.until_committed(held, later)


async def test_a_partition_full_of_paused_commands_is_no_sign_of_a_stuck_worker(line: Bench) -> None:
    line.settings |= {"STREAMS_SUBMIT__MAX_UNACKNOWLEDGED": str(AHEAD), "STREAMS_WORKER__STUCK_AFTER_S": "1"}
    worker = line.worker()
    await worker.start()
    await pause(line)
    commands = [line.command(f"key {number}") for number in range(500)]
    line.produce(0, *commands)
    await eventually(lambda: worker.metric("outbox_partitions_paused") == 1, "a paused partition")
    full_at = time.monotonic()
    await eventually(lambda: time.monotonic() - full_at > 2.5, "more time than a stuck worker has")
    assert worker.ask("/live")[0] == 200
    assert worker.metric("outbox_commands_held") < len(commands)
    await resume(line)
    await line.until_committed(*commands)


def test_what_is_paused_can_be_listed_and_is_on_record(broker: Broker) -> None:
    first = LaneControl(
        identity="i-1", tenant_id="t", is_paused=True, reason="incident 7", by="eve", happened_at=datetime.now(UTC)
    )
    second = replace(first, identity="i-2", happened_at=datetime.now(UTC))
    for made in (first, second):
        lanes.pause(broker.bootstrap_servers, made)
    lanes.resume(broker.bootstrap_servers, [replace(first, is_paused=False, reason="over")])
    listed = [found.identity for found in lanes.pauses(broker.bootstrap_servers)]
    assert "i-2" in listed
    assert "i-1" not in listed
    done = [(done.action, done.by, done.reason) for done in actions(broker.bootstrap_servers, BEGAN_AT)]
    assert ("pause", "eve", "incident 7") in done
    assert done[-1] == ("resume", "eve", "over")
    lanes.resume(broker.bootstrap_servers, [replace(second, is_paused=False)])


async def test_while_nobody_can_say_what_is_paused_nothing_is_known_and_the_worker_can_end(broker: Broker) -> None:
    ended: list[BaseException] = []

    async def crash(error: BaseException) -> None:
        ended.append(error)

    away = Decisions("127.0.0.1:1", Pauses("i"), Resolved("i"))
    async with away.followed(crash):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(away.known(), timeout=1.0)
    there = Decisions(broker.bootstrap_servers, Pauses("i"), Resolved("i"))
    async with there.followed(crash):
        await asyncio.wait_for(there.known(), timeout=30.0)
    assert (away.is_known, there.is_known, ended) == (False, True, [])
