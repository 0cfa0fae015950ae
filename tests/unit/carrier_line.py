"""A carrier between a scripted ledger and lists: what it publishes and acknowledges."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from scripted_ledger import (
    COMMAND,
    EARLY,
    TAKEN_AT,
    Answer,
    NotedHealth,
    ScriptedLedger,
    id_of,
)

from streams.breaker import Breaker
from streams.endings import Source, dead_letter, unreadable
from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.messages import DeadLetter, DeadLetterKind, Origin, Outcome, OutcomeKind, RoutedCommand
from streams.retry import Backoff, Meaning
from streams.stages.submit import Surroundings
from streams.telemetry.metrics import Metrics
from streams.telemetry.traceparent import carried
from streams.telemetry.tracing import NoTracing, Tracing
from streams.window import Window
from streams.workers.allowance import Allowance
from streams.workers.book import Book, Parked
from streams.workers.carrier import Carrier, Taken, Unreadable
from streams.workers.intake import Intake
from streams.workers.parked import held_back
from streams.workers.submission_told import SubmissionTold

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
    carried: list[dict[str, str]] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    tracing: Tracing = field(default_factory=NoTracing)
    metrics: Metrics = field(default_factory=lambda: Metrics("org1-admin"))
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
            told=SubmissionTold(self.tracing, self.metrics),
        )

    def take(self, *commands: RoutedCommand, traceparent: str | None = None) -> None:
        for command in commands:
            source = replace(self._source(codecs.ROUTED_COMMANDS.encode(command)), traceparent=traceparent)
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

    @property
    def absorbed(self) -> float:
        counted = "outbox_redeliveries_absorbed_total"
        return self.metrics.registry.get_sample_value(counted, {"identity": "org1-admin"}) or 0

    async def until_acknowledged(self, count: int) -> None:
        await until(lambda: len(self.acknowledged) >= count)

    async def outcome(self, outcome: Outcome) -> None:
        self.published.append(outcome)
        self.carried.append(carried())

    async def dead_letter(self, letter: DeadLetter) -> None:
        self.published.append(letter)
        self.carried.append(carried())

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


def line_with(
    book: Sequence[DeadLetter] = (),
    *,
    allowed: int = 100,
    tracing: Tracing | None = None,
    **script: Sequence[Answer],
) -> Line:
    ledger = ScriptedLedger(**script)  # type: ignore[arg-type]
    return Line(ledger, allowed=allowed, book=Book("org1-admin", book), tracing=tracing or NoTracing())


def command(command_id: str, **changes: object) -> RoutedCommand:
    return replace(COMMAND, command_id=command_id, **changes)  # type: ignore[arg-type]


def letter_of(parked: RoutedCommand, kind: DeadLetterKind = DeadLetterKind.UNKNOWN) -> DeadLetter:
    value = codecs.ROUTED_COMMANDS.encode(parked)
    source = Source(origin=Origin(topic="t", partition=0, offset=0), key=None, value=value, worker="w")
    ending = held_back(parked, Parked(parked, ()), taken_at=EARLY, now=EARLY, worker="w")
    letter = dead_letter(ending, source)
    assert letter is not None
    return replace(letter, kind=kind, error_code="NOT_IN_A_BLOCK", transaction_ids=(id_of(0, parked),))
