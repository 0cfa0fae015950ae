"""So many dead letters in any minute, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.workers.allowance import MINUTE_S, Allowance

STEPS = st.lists(st.floats(min_value=0.0, max_value=90.0), max_size=200)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.naps = 0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.naps += 1
        self.now_s += seconds


@given(most=st.integers(1, 5), pauses=STEPS)
async def test_no_minute_has_more_than_the_allowance(most: int, pauses: list[float]) -> None:
    clock, spent = Clock(), list[float]()
    allowance = Allowance(most, clock)
    for pause in pauses:
        clock.now_s += pause
        await allowance.room(clock.sleep)
        allowance.spend()
        spent.append(clock.now_s)
    for first, beyond in zip(spent, spent[most:], strict=False):
        assert beyond - first >= MINUTE_S or abs(beyond - first - MINUTE_S) < 1e-6


async def test_whoever_finds_room_does_not_wait() -> None:
    clock = Clock()
    allowance = Allowance(2, clock)
    allowance.spend()
    await allowance.room(clock.sleep)
    assert clock.naps == 0
    allowance.spend()
    assert allowance.wait_s == MINUTE_S
