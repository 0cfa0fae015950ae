"""What holds a submit worker back, and what does not: an ill network, a paused system, parked commands, failures."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

from neighbours import eventually
from submit_bench import Bench

from streams.kafka import codecs
from streams.kafka.reading import origin_of
from streams.kafka.topics import DEAD_LETTERS
from streams.messages import DeadLetter, DeadLetterKind, OutcomeKind, RoutedCommand
from streams.simulator.faults import LoseTransaction
from streams.workers.parked import BEHIND_PARKED

COUNT = 20
ALLOWED = 3
AHEAD = 10


async def test_while_the_network_is_away_the_breaker_is_open_and_nothing_fails(line: Bench) -> None:
    line.settings |= {"STREAMS_SUBMIT__BREAKER_CAP_S": "1", "STREAMS_SUBMIT__RETRY_CAP_S": "1"}
    worker, before = line.worker(), line.command("before")
    line.produce(0, before)
    await worker.start()
    await line.until_committed(before)
    assert worker.metric("outbox_breaker_open") == 0

    await line.network_down()
    first = [line.command(f"key {number}") for number in range(COUNT)]
    line.produce(0, *first)
    await eventually(lambda: line.breaker() == "open", "an open breaker")
    later = [line.command(f"later {number}") for number in range(COUNT)]
    line.produce(1, *later)
    await eventually(lambda: worker.metric("outbox_commands_held") == 2 * COUNT, "all of them held")
    assert worker.ask("/live")[0] == worker.ask("/ready")[0] == 200

    await line.network_up()
    await line.until_committed(*first, *later)
    await eventually(lambda: line.breaker() == "closed", "a closed breaker")
    assert line.outcomes(OutcomeKind.FAILED) == {}
    assert line.letters() == []
    assert await line.valid_transactions() == await line.transaction_ids(before, *first, *later)


async def test_a_paused_system_holds_its_lanes_until_it_is_resumed(line: Bench) -> None:
    line.settings["STREAMS_SUBMIT__WAIT_CAP_S"] = "0.2"
    held, behind, other = line.command("key", "held"), line.command("key"), line.command("other")
    line.produce(0, held, behind, other)
    await line.worker().start()
    await line.until_committed(other)
    await eventually(lambda: line.gate.called.count(held.command_id) > 10, "tries in vain")
    assert line.outcomes(OutcomeKind.WAITING) == {held.command_id: 1}
    assert behind.command_id not in line.gate.called

    line.gate.open.set()
    await line.until_committed(held, behind)
    assert line.outcomes(OutcomeKind.FAILED) == {}
    assert line.letters() == []
    assert await line.valid_transactions() == await line.transaction_ids(held, behind, other)


async def test_a_parked_command_holds_its_key_until_it_is_settled(line: Bench) -> None:
    line.settings |= {"STREAMS_SUBMIT__MAX_TRIES": "2", "STREAMS_SUBMIT__BREAKER_THRESHOLD": "100"}
    line.settings["STREAMS_FABRIC__COMMIT_TIMEOUT_S"] = "0.5"
    assert line.simulator is not None
    fault = line.simulator.add_fault(LoseTransaction(function="Gate:lost"))
    parked, behind = line.command("key", "lost"), line.command("key")
    passes, other = line.command("key", waits_for_parked=False), line.command("other")
    line.produce(0, parked, behind, passes, other)
    worker = line.worker()
    await worker.start()
    await line.until_committed(passes, other)
    assert line.outcomes(OutcomeKind.PARKED) == {parked.command_id: 1}
    assert line.outcomes(OutcomeKind.WAITING) == {behind.command_id: 1}
    assert _held(line.letters()) == {
        parked.command_id: (DeadLetterKind.UNKNOWN, "NOT_IN_A_BLOCK"),
        behind.command_id: (DeadLetterKind.UNKNOWN, BEHIND_PARKED),
    }

    worker.send(signal.SIGKILL)  # now the dead letters are all that is known
    await worker.ended()
    await worker.start()
    later = line.command("key")
    line.produce(0, later)
    await eventually(lambda: later.command_id in line.outcomes(OutcomeKind.WAITING), "one more that waits")
    assert not {behind.command_id, later.command_id} & set(line.gate.called)

    line.simulator.faults.remove(fault.number)
    line.produce(0, parked, behind, later)
    await line.until_committed(parked, behind, later)
    calls = [line.gate.called.index(command.command_id) for command in (parked, behind, later)]
    assert calls == sorted(calls)


async def test_a_parked_command_that_turns_out_to_be_on_the_ledger_holds_nobody(line: Bench) -> None:
    parked, later = line.command("key"), line.command("key")
    worker = line.worker()
    line.produce(0, parked)
    await worker.start()
    await line.until_committed(parked)
    worker.send(signal.SIGTERM)
    await worker.ended()

    say_parked(line, parked)
    line.produce(0, later)
    await worker.start()
    await line.until_committed(later)
    assert line.outcomes(OutcomeKind.WAITING) == {}
    assert line.outcomes(OutcomeKind.COMMITTED)[parked.command_id] == 2, "its row is told that it is not parked"


async def test_a_flood_of_failures_stops_the_intake(line: Bench) -> None:
    line.settings |= {
        "STREAMS_WORKER__DEAD_LETTERS_PER_MINUTE": str(ALLOWED),
        "STREAMS_SUBMIT__MAX_UNACKNOWLEDGED": str(AHEAD),
    }
    commands = [line.command(f"key {number}", "refused") for number in range(50 * COUNT)]
    worker = line.worker()
    await worker.start()
    line.produce(0, *commands)
    await eventually(lambda: len(line.letters()) == ALLOWED, "all the letters that are allowed")
    await eventually(lambda: worker.metric("outbox_partitions_paused") == 1, "a paused partition")
    assert worker.metric("outbox_commands_unacknowledged") < len(commands) / 2
    assert worker.ask("/live")[0] == 200
    await eventually(lambda: "too many dead letters" in worker.log.read_text(), "the worker says why")

    worker.send(signal.SIGTERM)
    assert await worker.ended() == 0
    assert len(line.letters()) == ALLOWED == line.outcomes(OutcomeKind.FAILED).total()
    assert worker.log.read_text().count("too many dead letters") == 1


def _held(letters: list[DeadLetter]) -> dict[str | None, tuple[DeadLetterKind, str]]:
    return {letter.command_id: (letter.kind, letter.error_code) for letter in letters}


def say_parked(line: Bench, command: RoutedCommand) -> None:
    """A letter as a worker writes it that could not learn what became of the command."""
    value = codecs.ROUTED_COMMANDS.encode(command)
    (record,) = line.broker.produce(line.broker.topic(), value)
    letter = DeadLetter(
        kind=DeadLetterKind.UNKNOWN,
        error_code="NOT_IN_A_BLOCK",
        cause="not learned",
        command_id=command.command_id,
        command_type=command.command_type,
        identity=command.identity,
        origin=origin_of(record),
        key=b"key",
        value=value,
        worker="another",
        happened_at=datetime.now(UTC),
    )
    line.broker.produce(DEAD_LETTERS, codecs.DEAD_LETTERS.encode(letter), key=b"key")
