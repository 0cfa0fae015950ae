"""A worker that was away while another was given its partitions fails nothing that the other carries."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace

import zombie_worker
from neighbours import eventually
from submit_bench import Bench

from streams.messages import OutcomeKind
from streams.telemetry import Event


async def test_what_was_refused_to_a_worker_without_its_partitions_is_left_to_the_one_that_has_them(
    line: Bench,
) -> None:
    zombie, heir = line.worker("zombie"), line.worker("heir")
    argv = [sys.executable, str(zombie_worker.__file__), str(line.folder), line.identity]
    zombie.process = replace(zombie.process, argv=argv)
    command = line.command("key", "ask")
    await zombie.start()
    line.produce(0, command)
    await eventually((line.folder / "refused").exists, "a refusal")
    zombie.send(signal.SIGSTOP)

    line.gate.open.set()  # now the chaincode accepts it
    await heir.start()
    await line.until_committed(command)
    (line.folder / "go").touch()
    zombie.send(signal.SIGCONT)
    await eventually(lambda: Event.COMMAND_LEFT_TO_OTHERS in zombie.log.read_text(), "a command left to others")
    await eventually(lambda: zombie.ask("/ready")[0] == 200, "a worker that is a member again")
    assert line.outcomes(OutcomeKind.FAILED) == {}
    assert line.letters() == []
    assert await line.valid_transactions() == await line.transaction_ids(command)

    later = [line.command("key") for _ in range(2)]
    for partition, one in enumerate(later):
        line.produce(partition, one)
    await line.until_committed(*later)
