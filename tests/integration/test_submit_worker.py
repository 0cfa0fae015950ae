"""A submit worker as a process: acknowledgements in order, whatever ends it."""

from __future__ import annotations

import signal

import pytest
from neighbours import eventually
from submit_bench import Bench

from streams.endings import UNREADABLE
from streams.messages import OutcomeKind

FAST = 20


async def test_a_slow_command_holds_back_the_acknowledgement_of_those_behind_it(line: Bench) -> None:
    slow, behind = line.command("slow", "wait"), line.command("slow")
    fast = [line.command(f"key {number}") for number in range(FAST)]
    line.produce(0, slow, *fast, behind)
    await line.worker().start()
    await line.until_committed(*fast)
    # When the other partition's offset has been committed, so has everything that was acknowledged before it.
    later = line.command("later")
    line.produce(1, later)
    await eventually(lambda: line.committed_offset(1) == 1, "a commit after the fast ones")

    assert line.committed_offset(0) <= 0
    assert behind.command_id not in line.gate.called
    assert slow.command_id not in line.outcomes(OutcomeKind.SUBMITTED)

    line.gate.open.set()
    await eventually(lambda: line.committed_offset(0) == FAST + 2, "all acknowledged")
    everything = [slow, *fast, behind, later]
    assert line.outcomes(OutcomeKind.COMMITTED) == {command.command_id: 1 for command in everything}
    assert line.gate.called.index(slow.command_id) < line.gate.called.index(behind.command_id)


async def test_sigterm_lets_commands_in_flight_finish_and_commits_them(line: Bench) -> None:
    slow, behind = line.command("slow", "wait"), line.command("slow")
    fast = [line.command(f"key {number}") for number in range(FAST)]
    line.produce(0, slow, *fast, behind)
    await line.worker().start()
    await line.until_committed(*fast)

    line.worker().send(signal.SIGTERM)
    await eventually(lambda: line.worker().has_noticed(signal.SIGTERM), "a worker that knows that it shall end")
    line.gate.open.set()
    assert await line.worker().ended() == 0

    assert line.committed_offset(0) == FAST + 1
    assert line.breaker() == "", "there is no worker any more"
    assert behind.command_id not in line.gate.called
    await line.worker().start()
    await eventually(lambda: line.committed_offset(0) == FAST + 2, "all acknowledged")
    assert line.outcomes(OutcomeKind.COMMITTED) == {command.command_id: 1 for command in (slow, *fast, behind)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
async def test_a_worker_that_ends_in_the_middle_of_a_command_loses_nothing(line: Bench, number: signal.Signals) -> None:
    line.settings["STREAMS_SUBMIT__DRAIN_TIMEOUT_S"] = "0.2"
    slow, fast = line.command("slow", "wait"), [line.command(f"key {number}") for number in range(FAST)]
    line.produce(0, slow, *fast)
    await line.worker().start()
    await line.until_committed(*fast)

    line.worker().send(number)
    assert await line.worker().ended() == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    assert line.committed_offset(0) <= 0

    line.gate.open.set()
    await line.worker().start()
    await eventually(lambda: line.committed_offset(0) == FAST + 1, "all acknowledged")
    assert line.outcomes(OutcomeKind.COMMITTED).keys() == {command.command_id for command in (slow, *fast)}
    assert await line.valid_transactions() == await line.transaction_ids(slow, *fast)


async def test_a_command_that_has_failed_stays_failed_when_it_is_delivered_again(line: Bench) -> None:
    slow, refused = line.command("slow", "wait"), line.command("refused", "ask")
    line.produce(0, slow, refused)
    await line.worker().start()
    await eventually(lambda: refused.command_id in line.outcomes(OutcomeKind.FAILED), "a refusal")
    asked = line.gate.called.count(refused.command_id)

    line.worker().send(signal.SIGKILL)
    assert await line.worker().ended() == -signal.SIGKILL
    line.gate.open.set()  # now the chaincode would accept it
    await line.worker().start()
    await eventually(lambda: line.committed_offset(0) == 2, "both acknowledged")

    assert line.gate.called.count(refused.command_id) == asked
    assert refused.command_id not in line.outcomes(OutcomeKind.COMMITTED)
    assert await line.valid_transactions() == await line.transaction_ids(slow)


async def test_an_unreadable_command_becomes_a_dead_letter_and_the_line_goes_on(line: Bench) -> None:
    (record,) = line.produce_raw(0, b"not Avro")
    readable = line.command("key")
    line.produce(0, readable)
    await line.worker().start()

    await eventually(lambda: line.committed_offset(0) == 2, "both acknowledged")
    (letter,) = line.letters()
    assert (letter.error_code, letter.value, letter.key) == (UNREADABLE, b"not Avro", b"key")
    assert letter.origin.offset == record.offset()
    assert line.outcomes(OutcomeKind.COMMITTED) == {readable.command_id: 1}
