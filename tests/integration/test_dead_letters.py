"""Dead letters dealt with, between a real Kafka, a real worker and a simulated network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from neighbours import eventually
from submit_bench import BEGAN_AT, Bench
from test_submit_worker_holds import say_parked

from streams.endings import DISCARDED
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import RESULTS
from streams.messages import Outcome, OutcomeKind, RoutedCommand
from streams.operations import lanes
from streams.operations.audit import Writer, new_action
from streams.operations.letters.discard import IN_HAND, discard, plan_discard
from streams.operations.letters.letter import Letter, Wanted, read_letters
from streams.operations.letters.redrive import Planner, chosen, redrive
from streams.operations.letters.step import Deed, Step, counts, resolve
from streams.operations.letters.watch import Watch
from streams.operations.truth import ledgers
from streams.operators import Resolution
from streams.simulator.faults import LoseTransaction

SETTLE_S = 3.0


def letters(line: Bench) -> list[Letter]:
    found = read_letters(line.broker.bootstrap_servers, BEGAN_AT, lambda _: {})
    return [one for one in found if one.command is not None and one.command.identity == line.identity]


def by_id(found: list[Letter]) -> dict[str | None, Letter]:
    return {one.letter.command_id: one for one in found}


@asynccontextmanager
async def planner(line: Bench) -> AsyncIterator[Planner]:
    async with ledgers(line.fabric, [line.identity]) as asked:
        yield Planner(asked, lambda _: None)


async def redriven(line: Bench, wanted: Wanted) -> list[Step]:
    async with planner(line) as made:
        steps = await made.plan(chosen(letters(line), wanted))
    writer = Writer(line.broker.bootstrap_servers)
    await asyncio.to_thread(redrive, writer, steps, new_action("redrive", by="eve"), 1.0)
    return steps


def watching(line: Bench, *commands: RoutedCommand) -> Watch:
    watch = Watch.begin(line.broker.bootstrap_servers, [line.identity])
    watch.follow(command.command_id for command in commands)
    return watch


async def discarded(line: Bench, *commands: RoutedCommand) -> list[Step]:
    wanted = {command.command_id for command in commands}
    async with ledgers(line.fabric, [line.identity]) as asked:
        watch = watching(line, *commands)
        found = [one for one in letters(line) if one.letter.command_id in wanted]
        steps = await plan_discard(asked, found, SETTLE_S)
        action = new_action("discard", by="eve", reason="wrong account")
        return await discard(watch, asked, steps, action, SETTLE_S)


async def until_settled(line: Bench, *commands: RoutedCommand) -> None:
    """What was submitted has had its time."""
    newest = max(by_id(letters(line))[command.command_id].letter.happened_at for command in commands)
    await eventually(lambda: (datetime.now(UTC) - newest).total_seconds() > SETTLE_S, "the time to settle")


def last_outcome(line: Bench, command: RoutedCommand) -> Outcome | None:
    found = [
        codecs.OUTCOMES.decode(message.value())
        for message in read_since(line.broker.bootstrap_servers, RESULTS, BEGAN_AT)
        if message.key() == command.command_id.encode()
    ]
    return found[-1] if found else None


async def one_parked(line: Bench) -> tuple[RoutedCommand, RoutedCommand]:
    """A command whose transaction was lost, and one that waits behind it."""
    line.settings |= {"STREAMS_SUBMIT__MAX_TRIES": "2", "STREAMS_SUBMIT__BREAKER_THRESHOLD": "100"}
    line.settings["STREAMS_FABRIC__COMMIT_TIMEOUT_S"] = "0.5"
    assert line.simulator is not None
    fault = line.simulator.add_fault(LoseTransaction(function="Gate:lost"))
    parked, behind = line.command("key", "lost"), line.command("key")
    line.produce(0, parked, behind)
    await line.worker().start()
    await eventually(lambda: behind.command_id in line.outcomes(OutcomeKind.WAITING), "one that waits")
    await eventually(lambda: line.committed_offset(0) == 2, "both acknowledged")
    line.simulator.faults.remove(fault.number)
    return parked, behind


async def test_refused_commands_are_redriven_and_their_letters_dealt_with(line: Bench) -> None:
    refused = [line.command(f"key {number}", "ask") for number in range(3)]
    line.produce(0, *refused)
    await line.worker().start()
    await eventually(lambda: len(line.outcomes(OutcomeKind.FAILED)) == 3, "refusals")
    line.gate.open.set()  # now the chaincode accepts them
    steps = await redriven(line, Wanted(since=BEGAN_AT, identity=line.identity, kind="refused"))
    assert counts(steps) == {"submit": 3}
    await line.until_committed(*refused)
    assert {one.resolution.resolution for one in letters(line) if one.resolution} == {Resolution.REDRIVEN}
    assert not any(one.is_open for one in letters(line))
    assert await line.valid_transactions() == await line.transaction_ids(*refused)
    again = await redriven(line, Wanted(since=BEGAN_AT, identity=line.identity, is_any=True))
    assert counts(again) == {"refuse": 3}


async def test_with_a_parked_command_go_those_behind_it_in_their_order(line: Bench) -> None:
    parked, behind = await one_parked(line)
    steps = await redriven(line, Wanted(since=BEGAN_AT, command_id=parked.command_id))
    assert [step.found.letter.command_id for step in steps] == [parked.command_id, behind.command_id]
    await line.until_committed(parked, behind)
    calls = line.gate.called
    last = [len(calls) - calls[::-1].index(command.command_id) for command in (parked, behind)]
    assert last == sorted(last)


async def test_a_discarded_command_is_failed_for_good_and_frees_its_key(line: Bench) -> None:
    parked, behind = await one_parked(line)
    assert counts(await discarded(line, parked)) == {"refuse": 1}  # it may still come into a block
    await until_settled(line, parked, behind)
    assert counts(await discarded(line, parked, behind)) == {"give up": 2}
    outcome = last_outcome(line, parked)
    assert outcome is not None
    assert (outcome.kind, outcome.error_code) == (OutcomeKind.FAILED, DISCARDED)
    assert outcome.error == "given up by eve: wrong account"
    assert lanes_of(line) == []

    later = line.command("key")
    line.produce(0, parked, later)  # it is delivered once more, by whatever accident
    await line.until_committed(later)
    assert last_outcome(line, parked) == replace(outcome, **told_again(last_outcome(line, parked)))
    assert await line.valid_transactions() == await line.transaction_ids(later)


def lanes_of(line: Bench) -> list[str | None]:
    paused = lanes.pauses(line.broker.bootstrap_servers)
    return [pause.ordering_key for pause in paused if pause.identity == line.identity]


def told_again(outcome: Outcome | None) -> dict[str, object]:
    assert outcome is not None
    return {"happened_at": outcome.happened_at, "worker": outcome.worker}


async def test_nothing_is_discarded_that_is_on_the_ledger(line: Bench) -> None:
    command = line.command("key")
    line.produce(0, command)
    await line.worker().start()
    await line.until_committed(command)
    say_parked(line, command)
    await until_settled(line, command)
    (step,) = await discarded(line, command)
    assert step.deed is Deed.REFUSE
    assert "is VALID in block" in step.why


async def test_nothing_is_discarded_that_a_worker_has_in_hand(line: Bench) -> None:
    command = line.command("key")
    say_parked(line, command)
    await until_settled(line, command)
    line.produce(0, command)  # no worker runs: it will be delivered
    (step,) = await discarded(line, command)
    assert (step.deed, step.why) == (Deed.REFUSE, IN_HAND)
    assert letters(line)[0].is_open
    await line.worker().start()
    await line.until_committed(command)


async def test_nothing_is_discarded_that_a_colleague_has_redriven_meanwhile(line: Bench) -> None:
    command = line.command("key")
    say_parked(line, command)
    await until_settled(line, command)
    watch, found = watching(line, command), letters(line)
    async with ledgers(line.fabric, [line.identity]) as asked:
        steps = await plan_discard(asked, found, SETTLE_S)
        assert counts(steps) == {"give up": 1}
        resolve(Writer(line.broker.bootstrap_servers), found[0], Resolution.REDRIVEN, new_action("", by="bob"), command)
        say_parked(line, command)  # what was submitted then has not had its time
        (step,) = await discard(watch, asked, steps, new_action("discard", by="eve"), SETTLE_S)
    assert step.deed is Deed.REFUSE
    assert step.why.endswith("since you began to look: look at it again")
    assert letters(line)[0].is_open
