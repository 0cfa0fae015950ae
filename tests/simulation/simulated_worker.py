"""One life of a submit worker: the real lanes, window, breaker, intake, carrier and stage, composed as in the product.

Only what touches the world is simulated: the ledger's answers, the topics, the clock, and death.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from seeded_scenario import SETTLE_S, START, Scenario
from simulated_calls import Calls
from simulated_kafka import Topic
from simulated_ledger import Chain
from simulated_story import Story

from streams.breaker import Breaker
from streams.endings import Source
from streams.errors import LedgerError
from streams.files import SCHEMAS
from streams.kafka import codecs
from streams.messages import DeadLetter, Origin, Outcome, RoutedCommand
from streams.refusals import load_refusals
from streams.retry import Backoff, Verdict
from streams.stages.submit import Surroundings
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import NoTracing
from streams.window import Window
from streams.workers.allowance import Allowance
from streams.workers.book import Book
from streams.workers.carrier import Carrier, Taken
from streams.workers.health import IdentityHealth
from streams.workers.intake import Intake
from streams.workers.submission_told import SubmissionTold

LIVING: ContextVar[Life | None] = ContextVar("LIVING", default=None)
"""The process that runs; every task that it starts is its own and dies with it."""

MEANING = load_refusals(SCHEMAS / "refusals.toml").meaning
DRAIN_S = 2.0
NAME = "w"


@dataclass(eq=False, slots=True)
class World:
    """What outlives a process."""

    scenario: Scenario
    loop: asyncio.AbstractEventLoop
    chain: Chain
    topic: Topic
    story: Story

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time())


@dataclass(eq=False, slots=True)
class Life:
    """From the assignment of the partitions to the end; `tasks` in the order in which they were started."""

    world: World
    owned_since: datetime
    is_dead: bool = field(default=False, init=False)
    tasks: list[asyncio.Task[object]] = field(default_factory=list, init=False)
    positions: list[int] = field(init=False)
    acknowledged: list[int] = field(init=False)
    book: Book = field(init=False)
    intake: Intake = field(init=False)
    carrier: Carrier = field(init=False)

    def begin(self) -> None:
        """Compose the worker and take what is there."""
        world = self.world
        self.positions, self.acknowledged = list(world.topic.committed), list(world.topic.committed)
        self.book = Book("org1-admin", world.story.letters)
        breaker = Breaker(
            threshold=4,
            backoff=self._backoff(0.5, 4.0),
            clock=world.loop.time,
            on_change=lambda state, cause: world.story.tell(f"breaker {state}", None, cause),
        )
        window = Window(world.scenario.window, breaker)
        self.intake = Intake(world.scenario.distance, pause=lambda _: None, resume=lambda _: self.take_soon())
        self.carrier = Carrier(
            surroundings=self._surroundings(IdentityHealth(breaker, window)),
            window=window,
            intake=self.intake,
            publisher=self,
            allowance=Allowance(1000, world.loop.time),
            on_bug=self._bug,
            told=SubmissionTold(NoTracing(), Metrics("org1-admin")),
        )
        self.take_soon()

    def _surroundings(self, health: IdentityHealth) -> Surroundings:
        return Surroundings(
            ledger=Calls(self.world.chain, self.world.story),
            backoff=self._backoff(0.2, 2.0),
            conflict_backoff=self._backoff(0.1, 1.0),
            wait_backoff=self._backoff(0.2, 3.0),
            max_attempts=1000,
            max_tries=self.world.scenario.max_tries,
            max_refusals=10,
            meaning=MEANING,
            health=health,
            now=self.world.now,
            report=self._report,
            notice=self._notice,
            worker=NAME,
            settle_s=SETTLE_S,
        )

    def _backoff(self, base_s: float, cap_s: float) -> Backoff:
        return Backoff(base_s=base_s, cap_s=cap_s, jitter=self.world.scenario.random.uniform)

    def take_soon(self) -> None:
        """Something may be there to be taken."""
        context = copy_context()
        context.run(LIVING.set, self)
        self.world.loop.call_soon(self._take, context=context)

    def _take(self) -> None:
        for partition, records in enumerate(self.world.topic.partitions):
            while (
                not self.is_dead and self.positions[partition] < len(records) and not self.intake.is_paused(partition)
            ):
                self._take_one(partition, self.positions[partition])
                self.positions[partition] += 1

    def _take_one(self, partition: int, offset: int) -> None:
        planned = self.world.topic.partitions[partition][offset]
        self.world.story.tell("taken", planned, f"{partition}@{offset}")
        taken = Taken(
            source=Source(
                origin=Origin(topic="commands", partition=partition, offset=offset),
                key=None,
                value=self._value(planned.command),
                worker=NAME,
            ),
            token=self.intake.take(partition, lambda: self._acknowledge(partition, offset)),
            command=planned.command,
            taken_at=self.world.now(),
            owned_since=self.owned_since,
            book=self.book,
        )
        self.carrier.take(taken)

    def _value(self, command: RoutedCommand) -> bytes | None:
        """To write it out takes longer than all the rest; the book reads only what may be parked."""
        return codecs.ROUTED_COMMANDS.encode(command) if self.world.scenario.may_park else None

    def _acknowledge(self, partition: int, offset: int) -> None:
        """Offsets are committed now and then; what was acknowledged since is delivered again after a crash."""
        if self.is_dead:
            return
        self.world.story.acknowledged(self.world.topic.partitions[partition][: offset + 1], f"{partition}@{offset}")
        self.acknowledged[partition] = offset + 1
        if self.world.scenario.random.random() < 0.5:
            self._commit()
        else:
            self.world.loop.call_later(1.0, self._commit)

    def _commit(self) -> None:
        if not self.is_dead:
            self.world.topic.committed[:] = self.acknowledged

    def kill(self) -> None:
        """As by SIGKILL: nothing of it takes effect from now on."""
        self.is_dead = True
        self.world.story.process_died()
        for task in self.tasks:
            task.cancel()

    async def stop(self) -> None:
        """As by SIGTERM."""
        await self.carrier.drain(DRAIN_S)
        self._commit()
        self.kill()

    async def outcome(self, outcome: Outcome) -> None:
        """`Publisher`: it is sent after a moment, and known to be safe after another."""
        await self._a_moment()
        self.world.story.publish(outcome)
        await self._a_moment()

    async def dead_letter(self, letter: DeadLetter) -> None:
        await self._a_moment()
        command = self.world.story.planned[letter.command_id or ""].command
        self.world.story.bury(replace(letter, value=codecs.ROUTED_COMMANDS.encode(command)))
        await self._a_moment()

    async def _a_moment(self) -> None:
        await asyncio.sleep(self.world.scenario.random.choice((0.0, 0.01, 0.2)))

    async def _report(self, outcome: Outcome) -> None:
        self.world.story.publish(outcome)

    def _notice(self, command: RoutedCommand, error: LedgerError, decision: Verdict) -> None:
        planned = self.world.story.planned[command.command_id]
        self.world.story.tell(f"{decision}", planned, error.code, error)

    async def _bug(self, bug: BaseException) -> None:
        self.world.story.broken("nothing is a bug", repr(bug))
