"""Whatever answers are lost, late or wrong, and whoever dies: every seed keeps every promise.

The promises are in `simulated_story.py`; what a seed picks is in `seeded_scenario.py`.
SIMULATED_SEEDS=10000 runs so many of them, SIMULATED_SEED=4711 that one alone. A failure prints its seed and its story.
"""

from __future__ import annotations

import asyncio
import os

import pytest
from seeded_scenario import Nature
from simulation import simulate
from virtual_loop import NothingWillHappen, VirtualLoop

from streams.messages import OutcomeKind

SEEDS = int(os.environ.get("SIMULATED_SEEDS", "2000"))
ONE = os.environ.get("SIMULATED_SEED")
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_every_seed_keeps_every_promise(part: int) -> None:
    for seed in [int(ONE)] if ONE else range(part, SEEDS, PARTS):
        story = simulate(seed)
        if story.violations:
            pytest.fail(f"SIMULATED_SEED={seed}\n{story.timeline()}\n" + "\n".join(story.violations), pytrace=False)


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_always_tells_the_same_story(seed: int) -> None:
    assert simulate(seed).timeline() == simulate(seed).timeline()


def test_the_seeds_meet_what_they_are_meant_to_meet() -> None:
    stories = [simulate(seed) for seed in range(300)]
    told = "\n".join(story.timeline() for story in stories)
    for event in (
        *("killed", "stopped", "breaker open", "breaker probing", "DUPLICATE_TXID", "MVCC_READ_CONFLICT"),
        *("submit: lost", "submit: late", "submit: silent", "submit: not taken", "submit: twice", "OVERLOADED"),
        *(
            "operator pauses",
            "paused by operator",
            "system is paused",
            "outcome waiting",
            "ENDORSEMENT_POLICY_FAILURE",
            "wait for the identity",
            "look up",
        ),
        *map(str, Nature),
    ):
        assert told.count(event) >= 10, event
    ends = [kind for story in stories for kind in story.final.values()]
    assert ends.count(OutcomeKind.COMMITTED) > 1000
    assert ends.count(OutcomeKind.FAILED) > 300


def test_virtual_time_passes_at_once_and_a_standstill_is_an_error() -> None:
    loop = VirtualLoop()

    async def wait() -> float:
        await asyncio.sleep(3600.0)
        return loop.time()

    assert loop.run(wait()) >= 3600.0
    still = VirtualLoop()

    async def forever() -> None:
        await still.create_future()

    with pytest.raises(NothingWillHappen):
        still.run(forever())
