"""Commands that are delivered once more: what is on the ledger stays, what failed stays failed but for a redrive."""

from __future__ import annotations

from carrier_line import Line, command, letter_of, line_with
from scripted_ledger import EARLY, TAKEN_AT, Step, endorse_failed, entry, nothing, rejected

from streams.endings import Source
from streams.kafka import codecs
from streams.kafka.replays import Replay
from streams.messages import DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand
from streams.workers.carrier import Taken

REPLAY, REDRIVE = Replay(replay_id="r-1"), Replay(replay_id="r-2", is_redrive=True)


def take(line: Line, replay: Replay, *commands: RoutedCommand) -> None:
    for number, wanted in enumerate(commands):
        origin = Origin(topic="replays.org1-admin", partition=0, offset=number)
        token = line.intake.take("replays", lambda offset=number: line.acknowledged.append(offset))
        source = Source(origin=origin, key=b"a", value=codecs.ROUTED_COMMANDS.encode(wanted), worker="w")
        line.carrier.take(
            Taken(
                source=source,
                token=token,
                command=wanted,
                taken_at=TAKEN_AT,
                owned_since=EARLY,
                book=line.book,
                replay=replay,
            )
        )


def last(line: Line) -> Outcome:
    said = line.published[-1]
    assert isinstance(said, Outcome)
    return said


async def test_a_replay_of_what_is_on_the_ledger_submits_nothing() -> None:
    line = line_with(endorse=[rejected("DUPLICATE_TXID")], held=[entry()])
    take(line, REPLAY, command("c-1"))
    await line.until_acknowledged(1)
    assert line.outcomes() == [("c-1", OutcomeKind.COMMITTED)]
    assert line.ledger.at(Step.SUBMIT) == []
    assert last(line).redriven_by is None


async def test_a_replay_is_looked_up_before_a_refusal_counts_whenever_it_was_routed() -> None:
    late = command("c-1", routed_at=TAKEN_AT.replace(year=2027))
    line = line_with(endorse=[endorse_failed(refused=True)] * 2, held=[entry()])
    take(line, REPLAY, late)
    await line.until_acknowledged(1)
    assert line.outcomes() == [("c-1", OutcomeKind.COMMITTED)]


async def test_what_has_failed_stays_failed_in_a_replay() -> None:
    line = line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)])
    take(line, REPLAY, command("c-1"))
    await line.until_acknowledged(1)
    assert (line.outcomes(), line.ledger.calls) == ([("c-1", OutcomeKind.FAILED)], [])


async def test_a_redrive_tries_again_what_has_failed_and_says_so_in_every_outcome() -> None:
    line = line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)])
    take(line, REDRIVE, command("c-1"))
    await line.until_acknowledged(1)
    assert line.outcomes() == [("c-1", OutcomeKind.SUBMITTED), ("c-1", OutcomeKind.COMMITTED)]
    assert {said.redriven_by for said in line.published if isinstance(said, Outcome)} == {"r-2"}


async def test_after_a_redrive_that_committed_the_old_failure_is_forgotten() -> None:
    line = line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)])
    take(line, REDRIVE, command("c-1"))
    await line.until_acknowledged(1)
    line.take(command("c-1"))
    await line.until_acknowledged(2)
    assert last(line).kind is OutcomeKind.COMMITTED


async def test_a_redrive_that_is_refused_again_has_failed_again() -> None:
    refused = [endorse_failed(refused=True)] * 3
    line = line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)], endorse=refused, held=[nothing])
    take(line, REDRIVE, command("c-1"))
    await line.until_acknowledged(1)
    assert (last(line).kind, last(line).redriven_by) == (OutcomeKind.FAILED, "r-2")
    assert line.letters() == [("c-1", "CHAINCODE_REFUSED")]


async def test_replays_stand_outside_the_lanes_until_their_share_has_room() -> None:
    line = line_with()
    take(line, Replay(replay_id="r", share=0.1), *(command(f"c-{number}") for number in range(5)))
    assert (line.carrier.replays.in_flight, line.carrier.lanes.items) == (1, 1)
    line.take(command("live"))
    await line.until_acknowledged(6)
    committed = [said for said, kind in line.outcomes() if kind is OutcomeKind.COMMITTED]
    assert committed[:2] == ["c-0", "live"]
    assert committed[2:] == ["c-1", "c-2", "c-3", "c-4"]
    assert line.carrier.replays.in_flight == 0


async def test_after_a_drain_replays_are_taken_again() -> None:
    line = line_with()
    take(line, Replay(replay_id="r", share=0.1), *(command(f"c-{number}") for number in range(3)))
    await line.carrier.drain(10.0)
    assert line.carrier.replays.in_flight == 0
    acknowledged = len(line.acknowledged)
    take(line, REPLAY, command("c-9"))
    await line.until_acknowledged(acknowledged + 1)
    assert ("c-9", OutcomeKind.COMMITTED) in line.outcomes()
