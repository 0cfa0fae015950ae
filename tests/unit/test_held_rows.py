"""Outcomes of rows that somebody has locked: in order, none lost, none in the way of others."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from structlog.testing import capture_logs

from streams.endings import Source
from streams.messages import Origin, Outcome, OutcomeKind
from streams.telemetry import Event
from streams.workers import held_rows
from streams.workers.held_rows import LONGEST_WAIT_S, HeldRows, Read

PARTITIONS, COMMANDS = 2, 6


def read(command: int, offset: int, partition: int = 0) -> Read:
    origin = Origin(topic="results", partition=partition, offset=offset)
    outcome = Outcome(
        command_id=f"c-{command}",
        command_type="MINT",
        kind=OutcomeKind.SUBMITTED,
        worker="w",
        happened_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return Read(Source(origin=origin, key=None, value=None, worker="sink"), outcome)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class AnySink(RuleBasedStateMachine):
    """Records of some commands in two partitions; rows are locked and released; the sink dies, or loses a partition."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.held = HeldRows(self.clock)
        self.log: list[list[Read]] = [[] for _ in range(PARTITIONS)]
        self.position = [0] * PARTITIONS
        self.committed = [0] * PARTITIONS
        self.locked: set[str] = set()
        self.written: dict[str, list[int]] = defaultdict(list)

    @rule(command=st.integers(0, COMMANDS - 1))
    def an_outcome_is_published(self, command: int) -> None:
        log = self.log[command % PARTITIONS]
        log.append(read(command, len(log), command % PARTITIONS))

    @rule(locked=st.sets(st.integers(0, COMMANDS - 1)))
    def rows_are_locked_and_released(self, locked: set[int]) -> None:
        self.locked = {f"c-{command}" for command in locked}

    @rule(count=st.integers(0, 4), seconds=st.sampled_from([0.0, 0.1, 1.0, LONGEST_WAIT_S]))
    def a_batch_is_written(self, count: int, seconds: float) -> None:
        self.clock.now_s += seconds
        new = []
        for partition in range(PARTITIONS):
            taken = self.log[partition][self.position[partition] :][:count]
            self.position[partition] += len(taken)
            new += taken
        for each in new:
            self.held.note(each.source.origin)
        batch = self.held.batch(new)
        for each in batch:
            if each.outcome.command_id not in self.locked:
                self.written[each.outcome.command_id].append(each.source.origin.offset)
        self.held.settle(batch, self.locked)

    @rule()
    def the_offsets_are_committed(self) -> None:
        for (_, partition), offset in self.held.offsets().items():
            assert offset >= self.committed[partition]
            self.committed[partition] = offset

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def a_partition_is_given_away_and_comes_back(self, partition: int) -> None:
        self.held.forget([("results", partition)])
        self.position[partition] = self.committed[partition]

    @rule()
    def the_sink_dies(self) -> None:
        self.held = HeldRows(self.clock)
        self.position = list(self.committed)

    @invariant()
    def what_is_acknowledged_is_written(self) -> None:
        for partition, log in enumerate(self.log):
            for each in log[: self.committed[partition]]:
                assert each.source.origin.offset in self.written[each.outcome.command_id]

    @invariant()
    def no_outcome_of_a_row_is_written_before_the_one_before(self) -> None:
        for command_id, written in self.written.items():
            offsets = [r.source.origin.offset for log in self.log for r in log if r.outcome.command_id == command_id]
            seen = -1
            for offset in written:
                place = offsets.index(offset)
                assert place <= seen + 1
                seen = max(seen, place)

    def teardown(self) -> None:
        self.locked = set()
        while self.position != [len(log) for log in self.log] or self.held.wait_s < math.inf:
            self.a_batch_is_written(4, LONGEST_WAIT_S)
        self.the_offsets_are_committed()
        assert self.committed == [
            len(log) if ("results", partition) in self.held.offsets() else self.committed[partition]
            for partition, log in enumerate(self.log)
        ]
        self.what_is_acknowledged_is_written()


TestAnySink = AnySink.TestCase
TestAnySink.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def settled(held: HeldRows, locked: set[str], *new: Read) -> list[int]:
    for each in new:
        held.note(each.source.origin)
    batch = held.batch(new)
    held.settle(batch, locked)
    return [each.source.origin.offset for each in batch]


def test_a_locked_row_is_asked_again_less_and_less_often() -> None:
    clock = Clock()
    held = HeldRows(clock)
    settled(held, {"c-0"}, read(0, 0))
    waits = []
    for _ in range(12):
        waits.append(round(held.wait_s, 6))
        clock.now_s += held.wait_s + 1e-9
        assert settled(held, {"c-0"}) == [0]
    assert waits == sorted(waits)
    assert waits[0] < 0.5
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S)


def test_a_row_that_is_locked_for_long_is_told_once_a_minute() -> None:
    clock = Clock()
    held = HeldRows(clock)
    with capture_logs() as lines:
        settled(held, {"c-0"}, read(0, 0))
        while clock.now_s < 150.0:
            clock.now_s += 1.0
            settled(held, {"c-0"})
    told = [line for line in lines if line["event"] == Event.ROW_LOCKED]
    assert [line["command_id"] for line in told] == ["c-0", "c-0"]
    assert 60 <= told[0]["for_s"] <= 66


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_rows, "MOST_HELD", 2)
    clock = Clock()
    held = HeldRows(clock)
    settled(held, {"c-0"}, read(0, 0))
    assert not held.is_full
    settled(held, {"c-0"}, read(0, 1))
    assert held.is_full
    clock.now_s += 1.0
    assert settled(held, set()) == [0, 1]
    assert not held.is_full
    assert held.offsets() == {("results", 0): 2}
