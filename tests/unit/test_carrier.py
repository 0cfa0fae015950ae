"""From a record to its acknowledgement: what is published, in which order, and what holds a command back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from scripted_ledger import (
    COMMAND,
    EARLY,
    TAKEN_AT,
    Answer,
    NotedHealth,
    ScriptedLedger,
    Step,
    endorse_failed,
    entry,
    id_of,
    nothing,
    rejected,
    unknown,
)

from streams.breaker import Breaker
from streams.endings import Source, dead_letter, unreadable
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand
from streams.retry import Backoff, Meaning
from streams.stages.submit import Surroundings
from streams.window import Window
from streams.workers.allowance import Allowance
from streams.workers.book import Book, Parked
from streams.workers.carrier import Carrier, Taken, Unreadable
from streams.workers.intake import Intake
from streams.workers.parked import BEHIND_PARKED, held_back

DEADLINE_S = 10.0
NO_WAIT = Backoff(base_s=0.001, cap_s=0.001, jitter=lambda low, high: high)


async def until(condition: Callable[[], bool]) -> None:
    due_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < due_at, "it did not come"
        await asyncio.sleep(0.001)


@dataclass
class Line:
    """A carrier between a scripted ledger and lists."""

    ledger: ScriptedLedger
    allowed: int = 100
    book: Book = field(default_factory=lambda: Book("org1-admin"))
    published: list[Outcome | DeadLetter] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    absorbed: list[None] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        breaker = Breaker(threshold=3, backoff=NO_WAIT, clock=time.monotonic, on_change=lambda *_: None)
        self.window = Window(10, breaker)
        self.intake = Intake(100, pause=lambda _: None, resume=lambda _: None)
        self.carrier = Carrier(
            surroundings=self._surroundings(),
            window=self.window,
            intake=self.intake,
            publisher=self,
            allowance=Allowance(self.allowed, time.monotonic),
            on_bug=self._bug,
            absorbed=lambda: self.absorbed.append(None),
        )

    def take(self, *commands: RoutedCommand) -> None:
        for command in commands:
            source = self._source(codecs.ROUTED_COMMANDS.encode(command))
            token = self.intake.take(0, lambda offset=source.origin.offset: self.acknowledged.append(offset))
            self.carrier.take(
                Taken(
                    source=source,
                    token=token,
                    command=command,
                    taken_at=TAKEN_AT,
                    owned_since=EARLY,
                    book=self.book,
                )
            )

    def take_unreadable(self) -> None:
        source = self._source(b"not Avro")
        token = self.intake.take(0, lambda: self.acknowledged.append(source.origin.offset))
        letter = unreadable(UnreadableMessage("not Avro"), source, TAKEN_AT)
        self.carrier.take(Unreadable(letter=letter, token=token))

    async def until_acknowledged(self, count: int) -> None:
        await until(lambda: len(self.acknowledged) >= count)

    async def outcome(self, outcome: Outcome) -> None:
        self.published.append(outcome)

    async def dead_letter(self, letter: DeadLetter) -> None:
        self.published.append(letter)

    def outcomes(self) -> list[tuple[str, OutcomeKind]]:
        return [(said.command_id, said.kind) for said in self.published if isinstance(said, Outcome)]

    def letters(self) -> list[tuple[str | None, str]]:
        return [(said.command_id, said.error_code) for said in self.published if isinstance(said, DeadLetter)]

    def _source(self, value: bytes) -> Source:
        offset = self.intake.unacknowledged + len(self.acknowledged)
        return Source(
            origin=Origin(topic="commands.org1-admin", partition=0, offset=offset), key=b"a", value=value, worker="w"
        )

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            ledger=self.ledger,
            backoff=NO_WAIT,
            conflict_backoff=NO_WAIT,
            wait_backoff=NO_WAIT,
            max_attempts=3,
            max_tries=2,
            max_refusals=2,
            meaning=lambda _: Meaning.REFUSE,
            health=NotedHealth(is_ill=False),
            now=lambda: datetime.now(UTC),
            report=self.outcome,
            notice=lambda *_: None,
            worker="w",
            settle_s=0.0,
        )

    async def _bug(self, error: BaseException) -> None:
        self.bugs.append(error)


def line_with(book: Sequence[DeadLetter] = (), *, allowed: int = 100, **script: Sequence[Answer]) -> Line:
    return Line(ScriptedLedger(**script), allowed=allowed, book=Book("org1-admin", book))  # type: ignore[arg-type]


def command(command_id: str, **changes: object) -> RoutedCommand:
    return replace(COMMAND, command_id=command_id, **changes)  # type: ignore[arg-type]


def letter_of(parked: RoutedCommand, kind: DeadLetterKind = DeadLetterKind.UNKNOWN) -> DeadLetter:
    value = codecs.ROUTED_COMMANDS.encode(parked)
    source = Source(origin=Origin(topic="t", partition=0, offset=0), key=None, value=value, worker="w")
    ending = held_back(parked, Parked(parked, ()), taken_at=EARLY, now=EARLY, worker="w")
    letter = dead_letter(ending, source)
    assert letter is not None
    return replace(letter, kind=kind, error_code="NOT_IN_A_BLOCK", transaction_ids=(id_of(0, parked),))


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
    assert (line.letters(), line.ledger.calls, len(line.absorbed)) == ([], [], 1)


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
    assert len(line.absorbed) == 1


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
