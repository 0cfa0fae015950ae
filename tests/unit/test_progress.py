"""A worker is stuck when something waits, nothing holds it back, and nothing is taken."""

from __future__ import annotations

from streams.workers.progress import ALWAYS, Progress

PATIENCE_S = 300.0


class Watch:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.held: set[object] = set()
        self.at_work_since: float | None = None
        self.progress = Progress(
            PATIENCE_S,
            is_held=self.held.__contains__,
            at_work_since=lambda _: self.at_work_since,
            clock=lambda: self.now_s,
        )

    def look(self, after_s: float, unacknowledged: int = 0, **ends: int) -> str | None:
        """After some time, with so much acknowledged and these ends by partition."""
        self.now_s += after_s
        self.progress.observe({partition: (unacknowledged, end) for partition, end in ends.items()})
        return self.progress.problem()


def test_what_waits_for_too_long_is_a_problem() -> None:
    watch = Watch()
    assert watch.look(0, a=1) is None
    assert watch.look(PATIENCE_S - 1, a=5) is None
    assert watch.look(1, a=6) == "offset 0 of a waits for 300 s"


def test_a_record_that_has_only_now_arrived_does_not_count_from_the_last_one() -> None:
    watch = Watch()
    watch.progress.took("a", 0)
    assert watch.look(10 * PATIENCE_S, a=1) is None
    assert watch.look(10 * PATIENCE_S, a=2) is None


def test_whoever_takes_something_is_not_stuck() -> None:
    watch = Watch()
    for offset in range(5):
        assert watch.look(PATIENCE_S - 1, a=100) is None
        watch.progress.took("a", offset)


def test_one_partition_that_stands_still_is_seen_beside_one_that_goes_on() -> None:
    watch = Watch()
    watch.look(0, a=1, b=1)
    watch.progress.took("b", 0)
    assert watch.look(PATIENCE_S, a=1, b=2) == "offset 0 of a waits for 300 s"


def test_what_is_held_on_purpose_is_not_stuck() -> None:
    watch = Watch()
    watch.held.add("a")
    watch.look(0, a=1)
    assert watch.look(2 * PATIENCE_S, a=1) is None
    watch.held.clear()
    assert watch.look(0, a=1) is None
    assert watch.look(PATIENCE_S, a=1) is not None


def test_brokers_that_do_not_tell_are_no_fault_of_the_worker() -> None:
    watch = Watch()
    watch.look(0, a=1)
    assert watch.look(2 * PATIENCE_S) is None
    assert watch.look(0, a=1) is None


def test_what_was_acknowledged_before_a_restart_does_not_wait() -> None:
    watch = Watch()
    watch.progress.observe({"a": (7, 7)})
    watch.now_s += 2 * PATIENCE_S
    watch.progress.observe({"a": (7, 7)})
    assert watch.progress.problem() is None


def test_partitions_that_were_given_back_do_not_wait() -> None:
    watch = Watch()
    watch.look(0, a=1)
    watch.now_s += 2 * PATIENCE_S
    watch.progress.forget()
    assert watch.progress.problem() is None


def test_a_command_that_comes_to_no_end_is_a_problem() -> None:
    watch = Watch()
    watch.progress.took("a", 0)
    watch.at_work_since = 0.0
    assert watch.look(PATIENCE_S - 1, a=1) is None
    assert watch.look(1, a=1) is None, "it was seen for one second"
    assert watch.look(PATIENCE_S - 1, a=1) == "offset 0 of a comes to no end for 300 s"


def test_whoever_takes_more_and_ends_nothing_is_stuck_all_the_same() -> None:
    watch = Watch()
    watch.at_work_since = 0.0
    problems = []
    for offset in range(4):
        watch.progress.took("a", offset)
        problems.append(watch.look(PATIENCE_S / 2, a=offset + 1))
    assert problems == [
        None,
        None,
        "offset 0 of a comes to no end for 300 s",
        "offset 0 of a comes to no end for 450 s",
    ]


def test_a_command_that_rests_now_and_then_is_not_stuck() -> None:
    watch = Watch()
    watch.progress.took("a", 0)
    for _ in range(9):
        watch.at_work_since = watch.now_s + PATIENCE_S / 4  # it has come back from a rest since the last look
        assert watch.look(PATIENCE_S / 2, a=1) is None


def test_a_command_that_waits_on_purpose_is_not_stuck() -> None:
    watch = Watch()
    watch.progress.took("a", 0)
    watch.at_work_since = 0.0
    watch.look(PATIENCE_S / 2, a=1)
    watch.at_work_since = None
    assert watch.look(PATIENCE_S, a=1) is None
    assert watch.look(PATIENCE_S, a=1) is None


def test_acknowledgements_that_are_never_committed_are_a_problem() -> None:
    watch = Watch()
    watch.progress.took("a", 4)
    watch.at_work_since = ALWAYS
    assert watch.look(0, 3, a=5) is None
    assert watch.look(PATIENCE_S - 1, 4, a=5) is None
    assert watch.look(PATIENCE_S, 4, a=5) == "offset 4 of a comes to no end for 300 s"
    assert watch.look(1, 5, a=5) is None
