"""Outcomes whose rows somebody has locked: they wait, in order, without holding up the others. No Kafka, no database.

The offsets may be committed up to the oldest outcome that is not written; the others behind it are written all the
same, and written again after a crash, which changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field

from streams.endings import Source
from streams.messages import Origin, Outcome
from streams.telemetry import Event, logger

MOST_HELD = 5000
"""Outcomes held back, beyond which nothing more is read: some 10 MB."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
TOLD_EVERY_S = 60.0

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Read:
    """An outcome, and the record that it came in."""

    source: Source
    outcome: Outcome

    @property
    def partition(self) -> Partition:
        """Where it was read."""
        return self.source.origin.topic, self.source.origin.partition


@dataclass(slots=True)
class _Row:
    """What waits for a row, in order. Times are those of the clock."""

    since: float
    due_at: float
    told_at: float
    reads: list[Read] = field(default_factory=list)


class HeldRows:
    """Which outcomes wait for which row, and how far each partition is read. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, _Row] = {}
        self._next_offsets: dict[Partition, int] = {}
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Nothing more is to be read."""
        return self._count >= MOST_HELD

    @property
    def wait_s(self) -> float:
        """How long until the next row is due; infinite: nothing waits."""
        return max(0.0, min((row.due_at for row in self._rows.values()), default=math.inf) - self._clock())

    def note(self, origin: Origin) -> None:
        """A record has been read, whatever it holds."""
        self._next_offsets[origin.topic, origin.partition] = origin.offset + 1

    def batch(self, new: Iterable[Read]) -> list[Read]:
        """What is to be written now, in order: of `new` what waits for no row, and what has waited long enough."""
        ready = []
        for read in new:
            row = self._rows.get(read.outcome.command_id)
            if row is None:
                ready.append(read)
            else:
                row.reads.append(read)
                self._count += 1
        now = self._clock()
        return ready + [read for row in self._rows.values() if row.due_at <= now for read in row.reads]

    def settle(self, batch: Iterable[Read], locked: Set[str]) -> None:
        """The batch is written but for the rows that are locked: these wait, twice as long each time."""
        now = self._clock()
        by_command: dict[str, list[Read]] = {}
        for read in batch:
            if read.partition in self._next_offsets:  # otherwise it was given away meanwhile: others read it again
                by_command.setdefault(read.outcome.command_id, []).append(read)
        for command_id, reads in by_command.items():
            row = self._rows.pop(command_id, None)
            self._count -= len(row.reads) if row else 0
            if command_id in locked:
                self._hold(command_id, row or _Row(now, now, now), reads, now)

    def _hold(self, command_id: str, row: _Row, reads: list[Read], now: float) -> None:
        row.reads = reads
        row.due_at = now + min(max(FIRST_WAIT_S, now - row.since), LONGEST_WAIT_S)
        if now - row.told_at >= TOLD_EVERY_S:
            row.told_at = now
            logger().warning(Event.ROW_LOCKED, command_id=command_id, for_s=round(now - row.since))
        self._rows[command_id] = row
        self._count += len(reads)

    def offsets(self) -> Mapping[Partition, int]:
        """Up to where everything is written, by partition."""
        offsets = dict(self._next_offsets)
        for row in self._rows.values():
            oldest = row.reads[0]
            offsets[oldest.partition] = min(offsets[oldest.partition], oldest.source.origin.offset)
        return offsets

    def forget(self, partitions: Iterable[Partition]) -> None:
        """They were given away: whoever has them now reads again from the committed offset."""
        gone = set(partitions)
        for partition in gone:
            self._next_offsets.pop(partition, None)
        self._rows = {i: row for i, row in self._rows.items() if row.reads[0].partition not in gone}
        self._count = sum(len(row.reads) for row in self._rows.values())
