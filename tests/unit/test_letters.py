"""What is planned about dead letters: which are meant, what the ledger allows, and what an edited payload becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from carrier_line import letter_of
from scripted_ledger import COMMAND, EARLY, id_of
from test_truth import Chain

from streams.errors import UnroutableCommand
from streams.ledger import VALID, Ledger
from streams.messages import DeadLetterKind, Origin, RoutedCommand
from streams.operations.letters import proof
from streams.operations.letters.causes import causes
from streams.operations.letters.discard import plan_discard
from streams.operations.letters.letter import Letter, Wanted, all_of_them, standing
from streams.operations.letters.redrive import Planner, chosen
from streams.operations.letters.step import Deed, Step
from streams.operators import LetterResolution, Resolution

SETTLE_S = 300.0
SETTLED = EARLY + timedelta(seconds=SETTLE_S)
ELSEWHERE = Origin(topic="dead-letters", partition=0, offset=9)
ALL = Wanted(since=EARLY)
CONFLICT, INVALID = "MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE"


def letter(offset: int, kind: DeadLetterKind = DeadLetterKind.UNKNOWN, **changes: object) -> Letter:
    command = replace(COMMAND, command_id=f"c-{offset}", **changes)  # type: ignore[arg-type]
    made = replace(letter_of(command, kind), transaction_ids=())
    return Letter(address=Origin(topic="dead-letters", partition=0, offset=offset), letter=made, command=command)


def of(command: RoutedCommand, kind: DeadLetterKind = DeadLetterKind.UNKNOWN, attempts: int = 1) -> Letter:
    address = Origin(topic="dead-letters", partition=0, offset=0)
    made = replace(letter_of(command, kind), transaction_ids=(), attempts=attempts)
    return Letter(address=address, letter=made, command=command)


def ledgers(held: Mapping[str, str], **changes: object) -> dict[str, Ledger]:
    return {COMMAND.identity: Chain(held, **changes)}  # type: ignore[dict-item, arg-type]


def dealt_with(found: Letter) -> Letter:
    resolution = LetterResolution(
        action_id="a", resolution=Resolution.REDRIVEN, letter=found.address, reason="", by="eve", happened_at=EARLY
    )
    return replace(found, resolution=resolution)


def test_with_a_parked_letter_go_those_of_its_key_in_the_order_of_the_first_letters() -> None:
    again = replace(letter(9), earlier=(Origin(topic="dead-letters", partition=0, offset=1),))
    found = [letter(2), letter(3, ordering_key="other"), letter(4), dealt_with(letter(5)), again]
    meant = chosen(found, replace(ALL, command_id="c-4"))
    assert [one.address.offset for one in meant] == [9, 2, 4]


def test_with_a_refused_letter_goes_no_other() -> None:
    found = [letter(1, DeadLetterKind.REFUSED), letter(2), letter(3, DeadLetterKind.REFUSED)]
    assert [one.first for one in chosen(found, replace(ALL, command_id="c-1"))] == [1]


def test_a_letter_of_a_command_that_was_committed_since_is_not_open() -> None:
    assert not replace(letter(1), status="COMMITTED").is_open
    assert replace(letter(1), status="FAILED").is_open
    assert not dealt_with(letter(1)).is_open


@pytest.mark.parametrize(
    "wanted",
    [{"kind": "unknown"}, {"command_type": COMMAND.command_type}, {"code": "NOT_IN_A_BLOCK"}, {"offset": 1}],
)
def test_each_filter_is_heeded(wanted: dict[str, str]) -> None:
    assert Wanted(since=EARLY, **wanted).matches(letter(1))  # type: ignore[arg-type]
    another = {name: 7 if name == "offset" else "another" for name in wanted}
    assert not Wanted(since=EARLY, **another).matches(letter(1))  # type: ignore[arg-type]


def test_letters_are_grouped_by_cause_the_most_frequent_first() -> None:
    found = causes([letter(1, DeadLetterKind.REFUSED), letter(2), letter(3)])
    assert [(cause.kind, cause.letters) for cause in found] == [("unknown", 2), ("refused", 1)]
    assert found[0].example_command_id in {"c-2", "c-3"}


def test_of_each_command_the_newest_letter_stands_with_the_values_that_are_wanted() -> None:
    found = [letter(1), letter(2), replace(letter(1), address=letter(3).address), replace(letter(1), address=ELSEWHERE)]
    one, two = standing(found, [], lambda one: one.letter.command_id == "c-1")
    assert (one.address, [at.offset for at in one.earlier], one.first) == (ELSEWHERE, [1, 3], 1)
    assert one.command == letter(1).command
    assert (two.address.offset, two.command, two.letter.value, two.earlier) == (2, None, None, ())


def test_a_resolution_of_another_command_at_the_same_offset_says_nothing() -> None:
    resolution = dealt_with(letter(1)).resolution
    assert resolution is not None
    for command_id, is_open in (("c-1", False), ("of a topic that is gone", True), (None, True)):
        (found,) = standing([letter(1)], [replace(resolution, command_id=command_id)], all_of_them)
        assert found.is_open is is_open


def planned(found: Letter, held: Mapping[str, str], **changes: object) -> Step:
    (step,) = asyncio.run(Planner(ledgers(held, **changes), lambda _: None).plan([found]))
    return step


@pytest.mark.parametrize(
    ("held", "kind", "deed"),
    [
        ({}, DeadLetterKind.UNKNOWN, Deed.SUBMIT),
        ({}, DeadLetterKind.REFUSED, Deed.SUBMIT),
        ({id_of(0, COMMAND, 1): CONFLICT}, DeadLetterKind.INVALID, Deed.SUBMIT),
        ({id_of(0, COMMAND, 1): VALID}, DeadLetterKind.UNKNOWN, Deed.SETTLE),
        ({id_of(0, COMMAND, 1): VALID}, DeadLetterKind.REFUSED, Deed.SETTLE),
        ({id_of(0, COMMAND, 1): INVALID}, DeadLetterKind.UNKNOWN, Deed.SETTLE),
        ({id_of(0, COMMAND, 1): INVALID}, DeadLetterKind.INVALID, Deed.REFUSE),
    ],
)
def test_the_ledger_decides_what_a_redrive_does(held: dict[str, str], kind: DeadLetterKind, deed: Deed) -> None:
    assert planned(of(COMMAND, kind), held).deed is deed


def test_what_cannot_be_redriven_says_why() -> None:
    silent = planned(of(COMMAND), {}, silent=id_of(0, COMMAND, 1))
    assert (silent.deed, silent.why) == (Deed.REFUSE, "the ledger could not be asked: nobody answers")
    reused = planned(of(COMMAND, DeadLetterKind.INVALID), {id_of(0, COMMAND, 1): VALID}, arguments=("other",))
    assert (reused.deed, reused.why) == (Deed.REFUSE, "the ledger holds another command under its id")
    assert planned(dealt_with(of(COMMAND)), {}).why == "redriven by eve"
    assert planned(replace(of(COMMAND), command=None), {}).why.startswith("preserves no command")


def test_a_change_event_is_routed_anew_or_refused() -> None:
    unrouted = replace(of(COMMAND, DeadLetterKind.UNROUTABLE), command=None)

    def refuses(_: Letter) -> RoutedCommand:
        raise UnroutableCommand("no route", code="UNKNOWN_COMMAND_TYPE")

    (step,) = asyncio.run(Planner(ledgers({}), lambda _: COMMAND).plan([unrouted]))
    assert (step.deed, step.command) == (Deed.SUBMIT, COMMAND)
    (step,) = asyncio.run(Planner(ledgers({}), refuses).plan([unrouted]))
    assert (step.deed, step.why) == (Deed.REFUSE, "is refused by the routes of today: no route")


def objection(found: Letter, held: Mapping[str, str], **changes: object) -> str | None:
    assert found.command is not None
    asked = ledgers(held, **changes)
    return asyncio.run(proof.against(asked, found, found.command, settle_s=SETTLE_S, now=SETTLED))


def test_a_command_may_be_given_up_when_nothing_of_it_is_or_can_become_valid() -> None:
    assert objection(of(COMMAND), {}) is None
    assert objection(of(COMMAND), {id_of(0, COMMAND, 1): CONFLICT}) is None
    assert objection(of(COMMAND), {id_of(0, COMMAND, 1): INVALID}) is None


def test_any_valid_transaction_speaks_against_it() -> None:
    revised = replace(COMMAND, revision=1)
    for found, transaction_id in (
        (of(COMMAND), id_of(0, COMMAND, 0)),
        (of(COMMAND, attempts=3), id_of(2, COMMAND, 1)),
        (of(revised), id_of(0, COMMAND, 1)),
        (of(revised), id_of(0, revised, 1)),
    ):
        assert "is VALID in block" in (objection(found, {transaction_id: VALID}) or "")
    named = of(COMMAND)
    named = replace(named, letter=replace(named.letter, transaction_ids=("under a lost certificate",)))
    assert "is VALID in block" in (objection(named, {"under a lost certificate": VALID}) or "")
    assert "is VALID in block" in (objection(of(COMMAND), {id_of(0, COMMAND, 1): VALID}, arguments=("other",)) or "")


def test_silence_counts_only_when_it_was_asked_for_and_has_settled() -> None:
    early = proof.against(ledgers({}), of(COMMAND), COMMAND, settle_s=SETTLE_S + 1, now=SETTLED)
    assert "may come into a block until" in (asyncio.run(early) or "")
    assert "could not be asked" in (objection(of(COMMAND), {}, silent=id_of(0, COMMAND, 0)) or "")
    other = proof.against({}, of(COMMAND), COMMAND, settle_s=SETTLE_S, now=SETTLED)
    assert "no way to the ledger as" in (asyncio.run(other) or "")


def test_letters_of_commands_that_have_ended_are_only_marked() -> None:
    found = [of(COMMAND, DeadLetterKind.REFUSED), of(COMMAND), dealt_with(of(COMMAND))]
    steps = asyncio.run(plan_discard(ledgers({}), found, SETTLE_S))
    assert [step.deed for step in steps] == [Deed.MARK, Deed.GIVE_UP, Deed.REFUSE]
