"""A worker that starts while there is no broker waits for one."""

from __future__ import annotations

from neighbours import eventually
from submit_bench import Bench

from streams.local.process import Child
from streams.telemetry import Event
from tests.contract.relay import Relay


async def test_a_worker_that_starts_before_kafka_is_not_ready_and_says_so_once(line: Bench) -> None:
    relay = Relay(line.broker.bootstrap_servers)
    await relay.open()  # it has a port now
    await relay.close()
    line.settings["STREAMS_KAFKA__BOOTSTRAP_SERVERS"] = relay.address
    worker, command = line.worker(), line.command("key")
    line.produce(0, command)
    worker.child = Child(worker.process, worker.log)
    await eventually(lambda: Event.KAFKA_UNAVAILABLE in worker.log.read_text(), "a worker that waits")
    assert (worker.ask("/live")[0], worker.ask("/ready")[0]) == (200, 503)
    assert worker.child.exit_code is None

    await relay.open()
    await line.until_committed(command)
    assert worker.ask("/ready")[0] == 200
    assert worker.log.read_text().count(Event.KAFKA_UNAVAILABLE) == 1
    worker.kill()
    await relay.close()
