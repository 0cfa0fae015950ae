"""A worker that is stuck fails its own liveness; one that has nothing to do, or is held back, does not."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import stuck_worker
from neighbours import Broker, eventually
from submit_bench import Bench, bench
from worker_process import WorkerProcess

STUCK_AFTER_S = 2.0


@pytest.fixture
async def line(broker: Broker, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(broker, tmp_path) as line:
        line.settings["STREAMS_WORKER__STUCK_AFTER_S"] = str(STUCK_AFTER_S)
        yield line


def stuck(line: Bench, what: str) -> WorkerProcess:
    worker = line.worker()
    argv = [sys.executable, str(stuck_worker.__file__), what, line.identity]
    worker.process = replace(worker.process, argv=argv)
    return worker


@pytest.mark.parametrize(
    ("what", "why"),
    [("stream", " waits for "), ("command", " comes to no end for "), ("loop", "the event loop has not turned")],
)
async def test_a_worker_that_stands_still_fails_its_liveness(line: Bench, what: str, why: str) -> None:
    worker = stuck(line, what)
    await worker.start()
    assert worker.ask("/live") == (200, "yes\n")
    line.produce(0, line.command("key"))
    await eventually(lambda: worker.ask("/live")[0] == 503, "a failing liveness")
    assert why in worker.ask("/live")[1]


async def test_a_worker_that_a_paused_partition_holds_back_is_alive(line: Bench) -> None:
    line.settings |= {"STREAMS_SUBMIT__MAX_UNACKNOWLEDGED": "1", "STREAMS_FABRIC__ENDORSE_TIMEOUT_S": "0.5"}
    line.produce(0, line.command("slow", "wait"), *[line.command("slow") for _ in range(1000)])
    worker = line.worker()
    await worker.start()
    await eventually(lambda: worker.metric("outbox_partitions_paused") == 1, "a paused partition")
    due_at = time.monotonic() + 3 * STUCK_AFTER_S
    await eventually(lambda: worker.ask("/live")[0] != 200 or time.monotonic() > due_at, "three times its patience")
    assert worker.ask("/live") == (200, "yes\n")
