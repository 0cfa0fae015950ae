"""From a record to its acknowledgement: what is published, in which order, and what holds a command back."""

from __future__ import annotations

import asyncio
import time

import pytest
from carrier_line import DEADLINE_S, Line, command, letter_of, line_with, until
from scripted_ledger import (
    NotedHealth,
    Step,
    endorse_failed,
    entry,
    id_of,
    nothing,
    rejected,
    unknown,
)

from streams.messages import DeadLetter, DeadLetterKind, Outcome, OutcomeKind
from streams.workers.parked import BEHIND_PARKED


async def test_a_committed_command_is_published_and_then_acknowledged() -> None:
    line = line_with()
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert line.outcomes() == [("c-1", OutcomeKind.SUBMITTED), ("c-1", OutcomeKind.COMMITTED)]
    assert line.window.in_use == line.intake.unacknowledged == 0


async def test_the_dead_letter_of_a_failure_is_published_before_its_outcome() -> None:
    line = line_with(endorse=[endorse_failed(refused=True)] * 2, held=[nothing])
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert [type(said) for said in line.published] == [DeadLetter, Outcome]
    assert line.letters() == [("c-1", "CHAINCODE_REFUSED")]


async def test_a_failed_command_that_comes_again_keeps_its_end() -> None:
    line = line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)])
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert line.outcomes() == [("c-1", OutcomeKind.FAILED)]
    assert (line.letters(), line.ledger.calls, line.absorbed) == ([], [], 1)


async def test_a_command_behind_a_parked_one_waits_and_one_that_goes_on_does_not() -> None:
    line = line_with([letter_of(command("c-1"))], held=[nothing] * 10)
    line.take(command("c-2"), command("c-3", waits_for_parked=False), command("c-4", ordering_key="b"))
    await line.until_acknowledged(3)
    assert ("c-2", OutcomeKind.WAITING) in line.outcomes()
    assert line.letters() == [("c-2", BEHIND_PARKED)]
    assert {"c-3", "c-4"} == {said for said, kind in line.outcomes() if kind is OutcomeKind.COMMITTED}


async def test_a_held_back_command_that_comes_again_gets_no_second_letter() -> None:
    line = line_with([letter_of(command("c-1")), letter_of(command("c-2"))], held=[nothing] * 10)
    line.take(command("c-2"))
    await line.until_acknowledged(1)
    assert (line.letters(), line.outcomes()) == ([], [("c-2", OutcomeKind.WAITING)])


async def test_a_parked_command_that_comes_again_and_ends_frees_its_key() -> None:
    line = line_with([letter_of(command("c-1")), letter_of(command("c-2"))])
    line.take(command("c-1"), command("c-2"), command("c-3"))
    await line.until_acknowledged(3)
    committed = [said for said, kind in line.outcomes() if kind is OutcomeKind.COMMITTED]
    assert committed == ["c-1", "c-2", "c-3"]
    assert line.letters() == []


async def test_a_parked_command_that_the_ledger_holds_frees_its_key() -> None:
    line = line_with([letter_of(command("c-1"))], held=[entry()])
    line.take(command("c-2"))
    await line.until_acknowledged(1)
    assert ("c-2", OutcomeKind.COMMITTED) in line.outcomes()


async def test_a_later_attempt_of_a_parked_command_counts_too() -> None:
    conflict = entry("MVCC_READ_CONFLICT")
    line = line_with([letter_of(command("c-1"))], held=[conflict, conflict, entry()])
    line.take(command("c-2"))
    await line.until_acknowledged(1)
    asked = [call.transaction_id for call in line.ledger.at(Step.LOOK_UP)]
    assert asked == [id_of(0, command("c-1")), id_of(0, command("c-1")), id_of(1, command("c-1"))]
    assert ("c-2", OutcomeKind.COMMITTED) in line.outcomes()


async def test_a_ledger_that_cannot_be_asked_about_a_parked_command_is_asked_again() -> None:
    line = line_with([letter_of(command("c-1"))], held=[unknown, unknown, entry()])
    line.take(command("c-2"))
    await line.until_acknowledged(1)
    assert ("c-2", OutcomeKind.COMMITTED) in line.outcomes()
    health = line.carrier.surroundings.health
    assert isinstance(health, NotedHealth)
    assert [what for what, _ in health.told][:2] == ["ill", "ill"]


async def test_what_the_ledger_had_already_is_counted_as_absorbed() -> None:
    line = line_with(endorse=[rejected("DUPLICATE_TXID")], held=[entry()])
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert line.outcomes() == [("c-1", OutcomeKind.COMMITTED)]
    assert line.absorbed == 1


async def test_commands_that_touch_the_same_key_are_not_in_flight_together() -> None:
    line = line_with()
    line.take(command("c-1", touches=("b",)), command("c-2", ordering_key="b"))
    await line.until_acknowledged(2)
    steps = [(call.step, call.transaction_id) for call in line.ledger.calls]
    assert steps.index((Step.STATUS, id_of(0, command("c-1")))) < steps.index((Step.ENDORSE, id_of(0, command("c-2"))))


@pytest.fixture
async def spent() -> Line:
    """A line whose allowance is spent, with one more failure and one more unreadable record at hand."""
    line = line_with(allowed=1, endorse=[endorse_failed(refused=True)] * 10, held=[nothing] * 10)
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    return line


async def test_when_the_allowance_is_spent_nothing_is_started(spent: Line) -> None:
    calls = len(spent.ledger.calls)
    spent.take(command("c-2", ordering_key="b"))
    spent.take_unreadable()
    for _ in range(100):
        await asyncio.sleep(0)
    assert (len(spent.letters()), len(spent.ledger.calls), spent.window.in_use) == (1, calls, 0)


async def test_what_waits_behind_a_parked_command_does_not_spend_the_allowance() -> None:
    line = line_with([letter_of(command("c-1"))], allowed=1, held=[nothing] * 10)
    line.take(*(command(f"c-{number}") for number in range(2, 6)), command("c-9", ordering_key="b"))
    await line.until_acknowledged(5)
    assert ("c-9", OutcomeKind.COMMITTED) in line.outcomes()


async def test_a_drain_gives_up_at_once_what_rests(spent: Line) -> None:
    spent.take(command("c-2", ordering_key="b"))
    spent.take_unreadable()
    began_at = time.monotonic()
    assert await spent.carrier.drain(DEADLINE_S) == 0
    assert time.monotonic() - began_at < DEADLINE_S / 2
    assert (len(spent.letters()), spent.bugs, spent.intake.unacknowledged) == (1, [], 0)
    assert spent.acknowledged == [0]


async def test_after_a_drain_commands_are_carried_again() -> None:
    line = line_with()
    await line.carrier.drain(DEADLINE_S)
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert ("c-1", OutcomeKind.COMMITTED) in line.outcomes()


async def test_a_publisher_that_fails_is_a_bug_and_nothing_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    line = line_with()

    async def fails(_: Outcome) -> None:
        raise ConnectionError("no brokers")

    monkeypatch.setattr(line, "outcome", fails)
    line.take(command("c-1"), command("c-2"))
    await until(lambda: bool(line.bugs))
    assert isinstance(line.bugs[0], ConnectionError)
    assert line.acknowledged == []
    assert line.window.in_use == 0
