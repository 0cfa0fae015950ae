"""What a seed picks: the commands, what their chaincode says, the storms on the way to it, and who dies when."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from random import Random

from streams.messages import Origin, RoutedCommand

START = datetime(2026, 1, 2, tzinfo=UTC)
PARTITIONS = 2
ARRIVALS_S = 6.0
"""Commands arrive within this time."""
STORMS_END_S = 40.0
"""Afterwards everything is well: whatever is not final soon is lost."""
LATEST_S = 10.0
"""An envelope that was submitted is in a block by then, or never; with the peers' lag below SETTLE_S."""
LAG_S = 4.0
SETTLE_S = 16.0
KEYS = "abcd"
ENDLESS = 10_000
"""Tries before a command is parked, when none is to be."""


class Nature(Enum):
    """What the chaincode says to a command."""

    PLAIN = "yes"
    REFUSED = "no"
    EXPIRES = "yes, and after some time no"
    OPENS = "no, and after some time yes"
    BUSY = "not now, a few times"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A command, when it is routed, how often; `turns_at` and `busy_times` belong to its nature."""

    command: RoutedCommand
    nature: Nature
    routed_at: tuple[float, ...]
    turns_at: float
    busy_times: int

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.command.ordering_key, *self.command.touches)))


@dataclass(frozen=True, slots=True)
class Storm:
    """From `begins` to `ends` each call fails with this chance."""

    begins: float
    ends: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Of a worker process: killed or asked to stop; another one takes over after a while."""

    at: float
    is_killed: bool
    pause_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator's, from `begins` to `ends`: of one ordering key, or of everything (None)."""

    begins: float
    ends: float
    key: str | None


@dataclass(slots=True)
class Scenario:
    """Everything that is decided before the simulation begins; `random` decides the rest as it runs."""

    seed: int
    random: Random = field(init=False)
    planned: list[Planned] = field(init=False)
    storms: list[Storm] = field(init=False)
    ends: list[End] = field(init=False)
    paused: tuple[float, float] | None = field(init=False)
    strangers: list[tuple[float, str]] = field(init=False)
    window: int = field(init=False)
    distance: int = field(init=False)
    max_tries: int = field(init=False)
    pauses: list[Pause] = field(init=False)

    def __post_init__(self) -> None:
        random = self.random = Random(self.seed)
        self.planned = sorted((_command(random, n) for n in range(random.randint(2, 9))), key=lambda one: one.routed_at)
        self.storms = [_storm(random) for _ in range(random.randint(0, 3))]
        self.ends = sorted((self._end() for _ in range(random.choice((0, 1, 1, 2, 3)))), key=lambda end: end.at)
        begins = random.uniform(0.0, ARRIVALS_S)
        self.paused = (begins, begins + random.uniform(0.5, 10.0)) if random.random() < 0.25 else None
        self.strangers = [
            (random.uniform(0.0, 2 * ARRIVALS_S), random.choice(KEYS)) for _ in range(random.choice((0, 2, 6)))
        ]
        self.window, self.distance = random.choice((1, 2, 8)), random.choice((2, 4, 50))
        self.max_tries = random.choice((ENDLESS, ENDLESS, ENDLESS, 1, 2))
        operator = Random(f"operator {self.seed}")
        self.pauses = [_pause(operator) for _ in range(operator.choice((0, 0, 0, 1, 2)))]

    @property
    def may_park(self) -> bool:
        """Commands run out of tries."""
        return self.max_tries < ENDLESS

    def chance_of_failure(self, now: float) -> float:
        """How stormy it is."""
        return max((storm.chance for storm in self.storms if storm.begins <= now < storm.ends), default=0.0)

    def is_paused(self, now: float) -> bool:
        """The chaincode refuses everything for now."""
        return self.paused is not None and self.paused[0] <= now < self.paused[1]

    def _end(self) -> End:
        """At any time, or while a certain command is likely to be in flight."""
        random = self.random
        at = random.uniform(0.1, 20.0)
        if random.random() < 0.6:
            at = random.choice(self.planned).routed_at[0] + random.uniform(0.02, 1.5)
        return End(at=at, is_killed=random.random() < 0.7, pause_s=random.choice((0.0, 0.5, 3.0, 25.0)))


def _command(random: Random, number: int) -> Planned:
    key, routed_at = random.choice(KEYS), random.uniform(0.0, ARRIVALS_S)
    nature = random.choices(list(Nature), weights=(6, 1, 3, 1, 1))[0]
    command = RoutedCommand(
        command_id=f"c{number}",
        tenant_id=random.choice(("t1", "t2")),
        command_type="TRANSFER_TOKENS",
        request_id=f"r{number}",
        identity="org1-admin",
        contract="TokenomicsContract",
        function="Transfer",
        arguments=(f"c{number}", nature.value),
        ordering_key=key,
        touches=(random.choice(KEYS),) if random.random() < 0.35 else (),
        created_at=START,
        captured_at=START,
        routed_at=START + timedelta(milliseconds=int(routed_at * 1000)),
        captured_from=Origin(topic="outbox", partition=0, offset=number),
    )
    times = (routed_at, routed_at + random.uniform(0.0, 4.0)) if random.random() < 0.1 else (routed_at,)
    return Planned(
        command=command,
        nature=nature,
        routed_at=times,
        turns_at=routed_at + random.uniform(0.1, 6.0),
        busy_times=random.randint(1, 3),
    )


def _storm(random: Random) -> Storm:
    begins = random.uniform(0.0, STORMS_END_S * 0.6)
    ends = min(STORMS_END_S, begins + random.choice((1.0, 5.0, 20.0)))
    return Storm(begins, ends, random.choice((0.15, 0.5, 1.0)))


def _pause(random: Random) -> Pause:
    begins = random.uniform(0.0, ARRIVALS_S)
    return Pause(begins, begins + random.uniform(0.5, 15.0), random.choice((*KEYS, None)))


def newest(times: list[float], as_of: float) -> int:
    """How many of the sorted times are not after `as_of`."""
    return bisect_right(times, as_of)
