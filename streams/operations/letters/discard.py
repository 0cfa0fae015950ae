"""Discard: a letter is settled by an operator's decision. A command is given up only if it is and will be nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from streams.endings import given_up
from streams.kafka import codecs
from streams.kafka.topics import RESULTS
from streams.ledger import Ledger
from streams.messages import RoutedCommand
from streams.operations.audit import Writer
from streams.operations.letters import proof
from streams.operations.letters.fence import fenced
from streams.operations.letters.letter import Letter
from streams.operations.letters.step import Deed, Step, resolve, unless
from streams.operations.letters.watch import Watch
from streams.operators import OperatorAction, Resolution

IN_HAND = "a worker has it in hand: it was delivered again and is not acknowledged; see: streams trace"


async def plan_discard(ledgers: Mapping[str, Ledger], letters: Iterable[Letter], settle_s: float) -> list[Step]:
    """One step each: what is parked is given up if nothing speaks against it, all else has ended and is marked."""
    return [await _step(ledgers, found, settle_s) for found in letters]


async def _step(ledgers: Mapping[str, Ledger], found: Letter, settle_s: float) -> Step:
    if found.resolution is not None:
        return Step(found=found, deed=Deed.REFUSE, why=f"{found.resolution.resolution} by {found.resolution.by}")
    if found.command is None or not found.is_parked:
        return Step(found=found, deed=Deed.MARK, why="nothing will be sent for it")
    objection = await _objection(ledgers, found, found.command, settle_s)
    if objection is not None:
        return Step(found=found, deed=Deed.REFUSE, why=objection)
    return Step(found=found, deed=Deed.GIVE_UP, why="is not on the ledger and cannot come there", command=found.command)


async def discard(
    watch: Watch, ledgers: Mapping[str, Ledger], steps: Iterable[Step], action: OperatorAction, settle_s: float
) -> list[Step]:
    """Carry the plan out; what became of each step, which may be less than was planned. Raises KafkaException.

    Nothing is given up that a worker has in hand: its key is paused, then the ledger is asked once more. `watch` was
    begun before the letters of the plan were read, and follows their commands.
    """
    writer = Writer(watch.bootstrap_servers)
    steps = list(steps)
    news = watch.news(action.action_id)
    done = [unless(news.get(step.found.letter.command_id or ""), step) for step in steps]
    for step in done:
        if step.deed is Deed.MARK:
            resolve(writer, step.found, Resolution.DEALT_WITH, action, step.command)
    giving_up = [step.command for step in done if step.deed is Deed.GIVE_UP and step.command is not None]
    if not giving_up:
        return done
    with fenced(watch.bootstrap_servers, giving_up, action) as in_hand:
        against = {**watch.news(action.action_id), **dict.fromkeys(in_hand, IN_HAND)}
        return [await _carried_out(writer, ledgers, step, against, action, settle_s) for step in done]


async def _carried_out(
    writer: Writer,
    ledgers: Mapping[str, Ledger],
    step: Step,
    against: Mapping[str, str],
    action: OperatorAction,
    settle_s: float,
) -> Step:
    if step.deed is not Deed.GIVE_UP or step.command is None:
        return step
    said = against.get(step.command.command_id) or await _objection(ledgers, step.found, step.command, settle_s)
    if said is None:
        _give_up(writer, step.found, step.command, action)
    return unless(said, step)


async def _objection(
    ledgers: Mapping[str, Ledger], found: Letter, command: RoutedCommand, settle_s: float
) -> str | None:
    return await proof.against(ledgers, found, command, settle_s=settle_s, now=datetime.now(UTC))


def _give_up(writer: Writer, found: Letter, command: RoutedCommand, action: OperatorAction) -> None:
    """The decision first: a worker that is given the command again must not submit what its row calls FAILED."""
    resolution = resolve(writer, found, Resolution.DISCARDED, action, command)
    outcome = given_up(command, resolution, datetime.now(UTC), action.by)
    writer.append(RESULTS, [(command.command_id.encode(), codecs.OUTCOMES.encode(outcome), {})])
