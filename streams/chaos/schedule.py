"""A seed -> what happens when: kills, stalls, faults, troubles. Pure; what comes of it is not decided here."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

FIRST_S = 1.0
"""Nothing happens before."""

LONGEST_DOWN_S = 3.0
FAULT_EVERY_S, STALL_EVERY_S, TROUBLE_EVERY_S = 3.0, 8.0, 15.0
SHORT_STALL_S, LONG_STALL = (0.5, 4.0), 0.15
"""How long a process usually stands still; one stall in so many is a long one."""

LONG_STALLS_S = {
    "submit": 50.0,
    "route": 14.0,
    "sink": 14.0,
    "monitor": 14.0,
    "connect": 14.0,
    "kafka": 12.0,
    "simulator": 8.0,
}
"""Beyond the session time-outs of the consumers: who stood still wakes up when its partitions are somebody else's."""

TROUBLES_S = {"lock-rows": (0.5, 20.0), "lock-table": (0.5, 8.0), "read-only": (0.5, 6.0)}
"""What can befall the database, and for how long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """SIGKILL for a process, `at_s` after the start; it is started again `down_s` later."""

    at_s: float
    component: str
    down_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """SIGSTOP for a process, `at_s` after the start, and SIGCONT `for_s` later."""

    at_s: float
    component: str
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One of TROUBLES_S in the database from `at_s` for `for_s` seconds."""

    at_s: float
    kind: str
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of the simulator in force from `at_s` for `for_s` seconds; `fields` as its control API takes them.

    `organisations`: it is put into force once for each of them.
    """

    at_s: float
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    organisations: Sequence[str] = ()
    for_s: float

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What the control API is sent."""
        body = {"kind": self.kind, **self.fields}
        return [{**body, "organisation": name} for name in self.organisations] or [body]


Step: TypeAlias = Kill | Stall | Trouble | Fault


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a process is killed, relative to others, and how long it is then left alone, seconds."""

    weight: float
    rest_s: float


# A JVM on a small machine takes some seconds until it works; killed more often, it never would.
_SLOW = {"kafka": Pace(1.0, 20.0), "connect": Pace(1.0, 20.0), "postgres": Pace(1.0, 10.0), "simulator": Pace(1.5, 6.0)}
_OTHERS = Pace(2.0, 6.0)


def schedule(seed: int, components: Sequence[str], kills: int, seconds: float) -> list[Step]:
    """`kills` kills of these processes and all else all along, within `seconds`, in order of time."""
    chance = random.Random(seed)  # noqa: S311  to be repeated, not to be secret
    planned: list[Step] = [*_kills(chance, components, kills, seconds), *_faults(chance, seconds)]
    planned += [*_stalls(chance, components, seconds), *_troubles(chance, seconds)]
    return sorted(planned, key=lambda planned: planned.at_s)


def _kills(chance: random.Random, components: Sequence[str], kills: int, seconds: float) -> Iterator[Kill]:
    """At random moments, so that some fall together; the process is one that has had its rest, if there is one."""
    rested_at = dict.fromkeys(components, 0.0)
    for at_s in sorted(chance.uniform(FIRST_S, seconds) for _ in range(kills)):
        ready = [name for name in components if rested_at[name] <= at_s] or [min(components, key=rested_at.__getitem__)]
        component = chance.choices(ready, [_pace(name).weight for name in ready])[0]
        down_s = chance.choice([0.0, round(chance.uniform(0.0, LONGEST_DOWN_S), 2)])
        rested_at[component] = at_s + down_s + _pace(component).rest_s
        yield Kill(at_s=at_s, component=component, down_s=down_s)


def _pace(component: str) -> Pace:
    return _SLOW.get(component, _OTHERS)


def _moments(chance: random.Random, every_s: float, seconds: float) -> Iterator[float]:
    at_s = FIRST_S
    while (at_s := at_s + chance.expovariate(1 / every_s)) < seconds:
        yield at_s


def _stalls(chance: random.Random, components: Sequence[str], seconds: float) -> Iterator[Stall]:
    """Not of Postgres: its sessions are processes of their own and would not notice."""
    stalled = [name for name in components if name != "postgres"]
    for at_s in _moments(chance, STALL_EVERY_S, seconds):
        component, for_s = chance.choice(stalled), round(chance.uniform(*SHORT_STALL_S), 2)
        long_s = LONG_STALLS_S[component.split("-")[0]]
        if chance.random() < LONG_STALL and at_s + long_s < seconds:
            for_s = long_s
        yield Stall(at_s=at_s, component=component, for_s=for_s)


def _troubles(chance: random.Random, seconds: float) -> Iterator[Trouble]:
    for at_s in _moments(chance, TROUBLE_EVERY_S, seconds):
        kind = chance.choice(list(TROUBLES_S))
        yield Trouble(at_s=at_s, kind=kind, for_s=min(round(chance.uniform(*TROUBLES_S[kind]), 2), seconds - at_s))


def _faults(chance: random.Random, seconds: float) -> Iterator[Fault]:
    kinds = _catalogue()
    for at_s in _moments(chance, FAULT_EVERY_S, seconds):
        entry = chance.choices(kinds, [kind.get("weight", 1.0) for kind in kinds])[0]
        drawn = {name: _draw(chance, low, high) for name, (low, high) in entry.get("between", {}).items()}
        for_s = drawn.pop("for_s")
        chosen = {name: chance.choice(values) for name, values in entry.get("one_of", {}).items()}
        organisations = tuple(chosen.pop("organisations", ()))
        fields = {"seed": chance.randrange(2**31), **entry.get("fields", {}), **chosen, **drawn}
        yield Fault(at_s=at_s, kind=entry["kind"], fields=fields, organisations=organisations, for_s=for_s)


def _draw(chance: random.Random, low: float, high: float) -> float:
    if isinstance(low, int):
        return chance.randint(low, int(high))
    return round(chance.uniform(low, high), 3)


@cache
def _catalogue() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("faults.toml").read_text())["fault"]
    return entries
