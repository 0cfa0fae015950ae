"""What happens when follows from the seed alone."""

from __future__ import annotations

from itertools import pairwise

import pytest

from streams.chaos.checker.evidence import End
from streams.chaos.checker.expected import expected_call
from streams.chaos.schedule import TROUBLES_S, Fault, Kill, Stall, Trouble, schedule
from streams.chaos.workload import Planned, Workload
from streams.simulator.faults import read_fault

PARTS = ["simulator", "postgres", "kafka", "connect", "route", "submit-org1-admin", "sink", "monitor"]


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_gives_the_same_schedule_and_the_same_commands(seed: int) -> None:
    assert schedule(seed, PARTS, 50, 150.0) == schedule(seed, PARTS, 50, 150.0)
    assert commands(seed, 200) == commands(seed, 200)


def test_another_seed_gives_another_schedule_and_other_commands() -> None:
    assert schedule(1, PARTS, 50, 150.0) != schedule(2, PARTS, 50, 150.0)
    assert commands(1, 200) != commands(2, 200)


def test_a_schedule_has_as_many_kills_as_asked_for_and_kills_every_part() -> None:
    kills = [planned for planned in schedule(1, PARTS, 200, 600.0) if isinstance(planned, Kill)]
    assert len(kills) == 200
    assert {kill.component for kill in kills} == set(PARTS)
    assert all(0 < kill.at_s <= 600 for kill in kills)


def test_kills_do_not_wait_for_each_other() -> None:
    kills = [planned for planned in schedule(1, PARTS, 200, 600.0) if isinstance(planned, Kill)]
    assert any(later.at_s < kill.at_s + kill.down_s for kill, later in pairwise(kills))


def test_every_part_but_postgres_stands_still_now_and_then_for_longer_than_its_session() -> None:
    stalls = [planned for planned in schedule(1, PARTS, 0, 3000.0) if isinstance(planned, Stall)]
    longest = {name: max(stall.for_s for stall in stalls if stall.component == name) for name in PARTS[2:]}
    assert {stall.component for stall in stalls} == set(PARTS) - {"postgres"}
    assert longest["submit-org1-admin"] > 45.0
    assert min(longest.values()) > 10.0
    assert sum(stall.for_s < 5.0 for stall in stalls) > 0.7 * len(stalls)


def test_the_database_has_every_trouble_and_none_is_left_at_the_end() -> None:
    troubles = [planned for planned in schedule(1, PARTS, 0, 3000.0) if isinstance(planned, Trouble)]
    assert {trouble.kind for trouble in troubles} == set(TROUBLES_S)
    assert all(trouble.at_s + trouble.for_s <= 3000.0 for trouble in troubles)


def test_the_simulator_understands_every_fault() -> None:
    faults = [planned for planned in schedule(1, PARTS, 0, 3000.0) if isinstance(planned, Fault)]
    assert len({fault.kind for fault in faults}) >= 18
    for fault in faults:
        for body in fault.bodies:
            read_fault(body)
    assert {len(fault.bodies) for fault in faults} == {1, 2}


def test_the_workload_has_commands_of_every_identity_and_of_every_end() -> None:
    planned = commands(1, 1000)
    calls = [expected_call(each.command_type, each.payload) for each in planned]
    assert {call.identity for call in calls if call} == {"org1-admin", "org1-partner-api", "org1-super-admin"}
    assert {each.end for each in planned} == set(End)
    assert len({each.command_id for each in planned}) == len(planned)


def test_only_commands_that_cannot_be_called_have_no_call() -> None:
    for each in commands(1, 1000):
        if expected_call(each.command_type, each.payload) is None:
            assert each.end is End.FAILED


def commands(seed: int, count: int) -> list[Planned]:
    workload = Workload(seed)
    prepared = [planned for phase in workload.preparation() for planned in phase]
    return prepared + [workload.next() for _ in range(count)]
