"""Submit workers under load: partitions that pause, workers that come and go."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from neighbours import Broker, eventually
from submit_bench import Bench, bench

from streams.kafka.lag import stretches
from streams.kafka.topics import commands_topic
from streams.messages import OutcomeKind, RoutedCommand

AHEAD = 50
HELD_BY_FAUST = 2 * 100 + 256
"""Two fetches and the stream's buffer: what still comes when a partition is paused (streams/workers/faust_app.py)."""
BEHIND_THE_SLOW_ONE = 1500
PARTITIONS = 6
EVERY_S = 0.02


async def test_a_partition_that_is_too_far_ahead_pauses_and_loses_nothing(line: Bench) -> None:
    line.settings["STREAMS_SUBMIT__MAX_UNACKNOWLEDGED"] = str(AHEAD)
    slow = line.command("slow", "wait")
    fast = [line.command(f"key {number}") for number in range(BEHIND_THE_SLOW_ONE)]
    line.produce(0, slow, *fast)
    worker = line.worker()
    await worker.start()
    await eventually(lambda: worker.metric("outbox_partitions_paused") == 1, "a paused partition")

    others = [line.command(f"other {number}") for number in range(AHEAD)]
    line.produce(1, *others)
    await line.until_committed(*others)
    assert AHEAD <= worker.metric("outbox_commands_unacknowledged") <= AHEAD + HELD_BY_FAUST
    assert worker.metric("outbox_partitions_paused") == 1

    line.gate.open.set()
    await eventually(lambda: line.committed_offset(0) == 1 + BEHIND_THE_SLOW_ONE, "all acknowledged")
    assert worker.metric("outbox_partitions_paused") == 0
    everything = [slow, *fast, *others]
    assert line.outcomes(OutcomeKind.COMMITTED) == {command.command_id: 1 for command in everything}


async def test_a_rolling_restart_of_three_workers_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    async with bench(broker, tmp_path, PARTITIONS) as line:
        workers = [line.worker(f"worker-{number}") for number in range(3)]
        await asyncio.gather(*(worker.start() for worker in workers))
        produced: list[RoutedCommand] = []
        is_over = asyncio.Event()
        load = asyncio.create_task(_produce(line, produced, is_over))
        for worker in workers:
            sent = len(produced)
            await eventually(lambda sent=sent: len(produced) > sent + 100, "load")  # type: ignore[misc]
            worker.send(signal.SIGTERM)
            assert await worker.ended() == 0
            await worker.start()
        is_over.set()
        await load

        ends = stretches(broker.bootstrap_servers, commands_topic(line.identity))
        await eventually(
            lambda: all(line.committed_offset(partition) == stretch.end for partition, stretch in ends.items()),
            "all acknowledged",
        )
        committed = line.outcomes(OutcomeKind.COMMITTED)
        repeated = committed.total() - len(committed)
        print(f"{len(produced)} commands, three restarts: {repeated} repeated")
        assert committed.keys() == {command.command_id for command in produced}
        assert repeated <= len(produced) / 100
        assert await line.valid_transactions() == await line.transaction_ids(*produced)


async def _produce(line: Bench, produced: list[RoutedCommand], is_over: asyncio.Event) -> None:
    """A steady load until it is over."""
    while not is_over.is_set():
        commands = [line.command(f"key {len(produced)} {partition}") for partition in range(PARTITIONS)]
        for partition, command in enumerate(commands):
            await asyncio.to_thread(line.produce, partition, command)
            produced.append(command)
        await asyncio.sleep(EVERY_S)
