"""What a run was asked to do, what it did, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.chaos.checker.evidence import Evidence, Violation
from streams.chaos.saboteur import Deed
from streams.chaos.topics import Records
from streams.chaos.workload import Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosOptions:
    """How much. `rate`: commands a second; `seconds`: how long things happen, without start and end."""

    seed: int
    kills: int
    seconds: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was done and what came of it; `lasted_s` from the first command to the last end."""

    options: ChaosOptions
    evidence: Evidence
    violations: Sequence[Violation]
    deeds: Sequence[Deed]
    acknowledged: Mapping[str, tuple[Planned, datetime]]
    records: Records
    lasted_s: float
