"""Commands that an operator has paused: held without a slot, told once, let go in their order, given up by a drain."""

from __future__ import annotations

import asyncio
import time

import pytest
from carrier_line import DEADLINE_S, Line, command, letter_of, line_with, until
from scripted_ledger import EARLY

from streams.endings import DISCARDED
from streams.messages import Origin, Outcome, OutcomeKind
from streams.operators import LaneControl, LetterResolution, Resolution
from streams.workers.pauses import PAUSED, Pauses


def control(*, is_paused: bool = True, reason: str = "incident 7", **selector: str) -> LaneControl:
    return LaneControl(**selector, is_paused=is_paused, reason=reason, by="eve", happened_at=EARLY)  # type: ignore[arg-type]


def resolution(command_id: str, what: Resolution, revision: int = 0) -> LetterResolution:
    return LetterResolution(
        action_id="a-1",
        resolution=what,
        letter=Origin(topic="dead-letters", partition=0, offset=0),
        command_id=command_id,
        revision=revision,
        reason="wrong account",
        by="eve",
        happened_at=EARLY,
    )


async def settle() -> None:
    """Everything that can run has run."""
    for _ in range(100):
        await asyncio.sleep(0)


def told(line: Line) -> list[tuple[str, str | None, str | None]]:
    return [(said.command_id, said.error_code, said.error) for said in line.published if isinstance(said, Outcome)]


async def test_a_paused_command_waits_without_a_slot_and_says_why_once() -> None:
    line = line_with()
    line.pauses.note(control(ordering_key="a"))
    line.take(command("c-1", ordering_key="a"), command("c-2", ordering_key="b"))
    await line.until_acknowledged(0)
    await until(lambda: ("c-2", OutcomeKind.COMMITTED) in line.outcomes())
    line.pauses.note(control(tenant_id="another"))
    await settle()
    assert [said for said in told(line) if said[0] == "c-1"] == [
        ("c-1", PAUSED, "paused by eve at 2026-01-02T03:04:00Z: incident 7")
    ]
    assert (line.window.in_use, line.window.waiting) == (0, 0)
    assert line.intake.at_work_since(0) is None, "it waits on purpose"

    line.pauses.note(control(ordering_key="a", is_paused=False))
    await line.until_acknowledged(2)
    assert ("c-1", OutcomeKind.COMMITTED) in line.outcomes()


async def test_commands_are_let_go_in_their_order() -> None:
    line = line_with()
    line.pauses.note(control())
    line.take(*(command(f"c-{number}") for number in range(5)))
    await settle()
    assert line.ledger.calls == []
    line.pauses.note(control(is_paused=False))
    await line.until_acknowledged(5)
    committed = [said for said, kind in line.outcomes() if kind is OutcomeKind.COMMITTED]
    assert committed == [f"c-{number}" for number in range(5)]


async def test_what_two_pauses_hold_waits_for_both() -> None:
    line = line_with()
    line.pauses.note(control(ordering_key="a"))
    line.pauses.note(control(tenant_id="default"))
    line.take(command("c-1", ordering_key="a", tenant_id="default"))
    line.pauses.note(control(ordering_key="a", is_paused=False))
    await settle()
    assert line.ledger.calls == []
    line.pauses.note(control(tenant_id="default", is_paused=False))
    await line.until_acknowledged(1)


async def test_a_pause_that_comes_while_a_command_waits_for_its_slot_holds_it() -> None:
    line = line_with()
    for _ in range(line.window.limit):
        await line.window.enter("another")
    line.take(command("c-1"))
    await until(lambda: line.window.waiting == 1)
    line.pauses.note(control())
    for _ in range(line.window.limit):
        line.window.leave("another")
    await until(lambda: ("c-1", OutcomeKind.WAITING) in line.outcomes())
    assert (line.ledger.calls, line.window.in_use) == ([], 0)


async def test_a_drain_does_not_wait_for_what_is_paused() -> None:
    line = line_with()
    line.pauses.note(control())
    line.take(command("c-1"), command("c-2", ordering_key="b"))
    await settle()
    began_at = time.monotonic()
    assert await line.carrier.drain(DEADLINE_S) == 0
    assert time.monotonic() - began_at < DEADLINE_S / 2
    assert (line.acknowledged, line.bugs, line.ledger.calls) == ([], [], [])

    line.take(command("c-1"))
    line.pauses.note(control(is_paused=False))
    await line.until_acknowledged(1)


def test_pauses_of_another_identity_and_of_replays_are_not_counted() -> None:
    pauses = Pauses("org1-admin")
    pauses.note(control(identity="org1-partner-api"))
    pauses.note(control(tenant_id="acme"))
    pauses.note(control(replay_id="r-1"))
    assert pauses.in_force == 1
    pauses.note(control(tenant_id="acme", is_paused=False))
    assert pauses.in_force == 0


async def test_a_discarded_command_that_comes_again_fails_with_the_decision() -> None:
    line = line_with([letter_of(command("c-1"))])
    line.resolved.note(resolution("c-1", Resolution.DISCARDED))
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert told(line) == [("c-1", DISCARDED, "given up by eve: wrong account")]
    assert (line.ledger.calls, line.absorbed) == ([], 1)


async def test_a_discarded_command_holds_its_key_no_longer() -> None:
    line = line_with([letter_of(command("c-1"))])
    line.resolved.note(resolution("c-1", Resolution.DISCARDED))
    line.take(command("c-2"))
    await line.until_acknowledged(1)
    assert ("c-2", OutcomeKind.COMMITTED) in line.outcomes()
    assert line.letters() == []


async def test_a_command_that_is_discarded_while_it_is_paused_is_not_submitted() -> None:
    line = line_with()
    line.pauses.note(control())
    line.take(command("c-1"))
    await settle()
    line.resolved.note(resolution("c-1", Resolution.DISCARDED))
    line.pauses.note(control(is_paused=False))
    await line.until_acknowledged(1)
    assert line.outcomes()[-1] == ("c-1", OutcomeKind.FAILED)
    assert line.ledger.calls == []


async def test_an_edited_command_is_submitted_and_its_earlier_revisions_say_nothing() -> None:
    line = line_with([letter_of(command("c-1"))])
    line.resolved.note(resolution("c-1", Resolution.EDITED))
    line.take(command("c-1"))
    await line.until_acknowledged(1)
    assert (line.published, line.ledger.calls, line.absorbed) == ([], [], 1)
    line.take(command("c-1", revision=1))
    await line.until_acknowledged(2)
    assert ("c-1", OutcomeKind.COMMITTED) in line.outcomes()


async def test_a_decision_on_a_later_revision_outlives_one_on_an_earlier() -> None:
    line = line_with()
    line.resolved.note(resolution("c-1", Resolution.EDITED, revision=1))
    line.resolved.note(resolution("c-1", Resolution.REDRIVEN, revision=2))
    line.resolved.note(resolution("c-1", Resolution.DISCARDED, revision=0))
    given_up = [line.resolved.is_given_up(command("c-1", revision=revision)) for revision in range(4)]
    assert given_up == [True, True, False, False]


@pytest.mark.parametrize("late", [Resolution.REDRIVEN, Resolution.DEALT_WITH])
@pytest.mark.parametrize("final", [Resolution.EDITED, Resolution.DISCARDED])
async def test_a_revision_that_is_given_up_stays_so(final: Resolution, late: Resolution) -> None:
    line = line_with()
    line.resolved.note(resolution("c-1", final))
    line.resolved.note(resolution("c-1", late))
    assert line.resolved.is_given_up(command("c-1"))
    line.resolved.note(resolution("c-1", late, revision=1))
    assert not line.resolved.is_given_up(command("c-1", revision=1))
