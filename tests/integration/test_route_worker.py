"""The route worker as a process: a flood of records that cannot be routed stops its intake."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

from neighbours import Broker, eventually
from worker_process import WorkerProcess

from streams.files import SCHEMAS
from streams.kafka import codecs
from streams.kafka.groups import ROUTE
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, commands_topic
from streams.local.ports import HOST, choose_ports
from streams.messages import DeadLetter
from streams.routes.table import load_routes

ALLOWED = 3
FLOOD = 20
BEGAN_AT = datetime.now(UTC)
TOPIC = "flood.public.outbox_commands"


def letters(broker: Broker) -> list[DeadLetter]:
    found = [
        codecs.DEAD_LETTERS.decode(at.value()) for at in read_since(broker.bootstrap_servers, DEAD_LETTERS, BEGAN_AT)
    ]
    return [letter for letter in found if letter.origin.topic == TOPIC]


async def test_a_flood_of_malformed_records_stops_the_intake_of_the_route_worker(
    broker: Broker, tmp_path: Path
) -> None:
    for identity in load_routes(SCHEMAS / "routes.toml").identities:
        broker.topic(1, commands_topic(identity))
    broker.produce(broker.topic(1, TOPIC), *[b"not JSON"] * FLOOD)
    listen = f"{HOST}:{choose_ports(tmp_path / 'ports.json', ['route'])['route']}"
    settings = {
        "STREAMS_KAFKA__TOPIC_PREFIX": "flood",
        "STREAMS_WORKER__LISTEN": listen,
        "STREAMS_WORKER__DEAD_LETTERS_PER_MINUTE": str(ALLOWED),
    }
    process = broker.worker("route", ROUTE, "worker", "route", settings=settings)
    worker = WorkerProcess(process, listen, tmp_path / "route.log")
    try:
        await worker.start()
        await eventually(lambda: worker.log.read_text().count("too many dead letters") == 1, "a spent allowance")
        await eventually(lambda: worker.metric("outbox_dead_letters_total", kind="malformed") == ALLOWED, "the count")
        assert worker.ask("/live")[0] == 200
        worker.send(signal.SIGTERM)
        assert await worker.ended() == 0
        assert len(letters(broker)) == ALLOWED
    finally:
        worker.kill()
