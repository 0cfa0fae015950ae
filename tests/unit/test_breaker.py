"""The breaker opens when a step fails in a row, lets one probe in at a time, and closes when the step answers."""

from __future__ import annotations

import pytest

from streams.breaker import Breaker, BreakerState, Step
from streams.retry import Backoff

CLOSED, OPEN, PROBING = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.PROBING


class Bench:
    """A breaker with threshold 3 and waits of 1, 2, 4, 8, 8, ... seconds."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.changes: list[tuple[BreakerState, str]] = []
        self.wakes = 0
        self.breaker = Breaker(
            threshold=3,
            backoff=Backoff(base_s=1.0, cap_s=8.0, jitter=lambda _, most: most),
            clock=lambda: self.now_s,
            on_change=lambda state, cause: self.changes.append((state, cause)),
        )
        self.breaker.wake = self.wake

    def wake(self) -> None:
        self.wakes += 1

    def fail(self, times: int, step: Step = "endorse") -> None:
        for _ in range(times):
            self.breaker.ill(step, f"{step} is down")

    def probe(self) -> None:
        """Wait until it is time, and let a probe in."""
        self.now_s += self.breaker.retry_in_s or 0.0
        assert self.breaker.may_enter()
        assert self.breaker.state is PROBING


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_opens_after_as_many_failures_of_a_step_in_a_row_as_the_threshold_says(bench: Bench) -> None:
    bench.fail(2)
    assert (bench.breaker.state, bench.breaker.may_enter()) == (CLOSED, True)
    bench.fail(1)
    assert (bench.breaker.state, bench.breaker.cause) == (OPEN, "endorse is down")
    assert not bench.breaker.may_enter()
    assert (bench.changes, bench.wakes) == ([(OPEN, "endorse is down")], 1)


def test_an_answer_between_failures_starts_the_count_anew(bench: Bench) -> None:
    for _ in range(5):
        bench.fail(2)
        bench.breaker.well("endorse")
    assert (bench.breaker.state, bench.changes) == (CLOSED, [])


def test_failures_of_different_steps_are_counted_apart(bench: Bench) -> None:
    steps: tuple[Step, ...] = ("endorse", "submit", "look up")
    for step in steps:
        bench.fail(2, step)
    bench.breaker.well("submit")
    assert bench.breaker.state is CLOSED
    bench.fail(1, "look up")
    assert (bench.breaker.state, bench.breaker.cause) == (OPEN, "look up is down")


def test_one_probe_enters_when_the_wait_is_over_and_no_second_one_beside_it(bench: Bench) -> None:
    bench.fail(3)
    assert bench.breaker.retry_in_s == 1.0
    bench.now_s += 0.75
    assert (bench.breaker.may_enter(), bench.breaker.retry_in_s) == (False, 0.25)
    bench.now_s += 0.25
    assert [bench.breaker.may_enter() for _ in range(3)] == [True, False, False]
    assert bench.breaker.state is PROBING
    assert bench.breaker.retry_in_s is None


def test_waits_grow_while_probes_fail_and_are_short_again_after_it_was_closed(bench: Bench) -> None:
    bench.fail(3)
    waits = []
    for _ in range(5):
        waits.append(bench.breaker.retry_in_s)
        bench.probe()
        bench.fail(1)
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0]
    bench.probe()
    bench.breaker.well("endorse")
    bench.fail(3)
    assert bench.breaker.retry_in_s == 1.0


def test_failures_of_commands_under_way_do_not_put_off_the_probe(bench: Bench) -> None:
    bench.fail(3)
    bench.now_s += 0.5
    bench.fail(100)
    assert bench.breaker.retry_in_s == 0.5
    assert len(bench.changes) == 1


def test_the_answer_of_the_ill_step_closes_it_whoever_brings_it(bench: Bench) -> None:
    bench.fail(3)
    bench.breaker.well("submit")
    assert bench.breaker.state is OPEN
    bench.breaker.well("endorse")
    assert (bench.breaker.state, bench.breaker.cause, bench.breaker.retry_in_s) == (CLOSED, "", None)
    assert bench.breaker.may_enter()
    assert bench.changes[-1] == (CLOSED, "")
    assert bench.wakes == 2


def test_when_two_steps_are_ill_both_have_to_answer(bench: Bench) -> None:
    bench.fail(3)
    bench.fail(3, "submit")
    bench.probe()
    bench.breaker.well("endorse")
    assert bench.breaker.state is PROBING
    bench.breaker.well("submit")
    assert bench.breaker.state is CLOSED


def test_a_probe_that_fails_at_another_step_is_a_failed_probe(bench: Bench) -> None:
    bench.fail(3, "submit")
    bench.probe()
    bench.fail(1, "endorse")
    assert (bench.breaker.state, bench.breaker.cause, bench.breaker.retry_in_s) == (OPEN, "endorse is down", 2.0)
    bench.probe()
    bench.breaker.well("endorse")
    bench.breaker.well("submit")
    assert bench.breaker.state is CLOSED


def test_a_probe_that_leaves_without_a_word_lets_the_next_one_in_at_once(bench: Bench) -> None:
    bench.fail(3)
    bench.probe()
    bench.breaker.probe_left()
    assert [bench.breaker.may_enter() for _ in range(2)] == [True, False]
    assert bench.changes == [(OPEN, "endorse is down"), (PROBING, "endorse is down")]


def test_a_step_that_no_probe_needs_any_longer_does_not_keep_it_from_closing(bench: Bench) -> None:
    bench.fail(3, "look up")
    for _ in range(3):
        bench.probe()
        bench.breaker.well("endorse")
        bench.breaker.probe_left()
    assert bench.breaker.state is CLOSED
    bench.fail(2, "look up")
    assert bench.breaker.state is CLOSED


def test_a_failure_starts_the_count_of_silent_probes_anew(bench: Bench) -> None:
    bench.fail(3)
    for _ in range(4):
        bench.probe()
        bench.breaker.probe_left()
        assert bench.breaker.may_enter()
        bench.breaker.probe_left()
        assert bench.breaker.may_enter()
        bench.fail(1)
    assert BreakerState.CLOSED not in [state for state, _ in bench.changes]


def test_that_a_probe_left_after_its_word_changes_nothing(bench: Bench) -> None:
    bench.fail(3)
    bench.probe()
    bench.fail(1)
    bench.breaker.probe_left()
    assert (bench.breaker.state, bench.breaker.retry_in_s) == (OPEN, 2.0)
    bench.breaker.well("endorse")
    bench.breaker.probe_left()
    assert bench.breaker.state is CLOSED
