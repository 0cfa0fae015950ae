"""A partition is paused when it is too far ahead, and only then."""

from __future__ import annotations

from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from streams.lanes import Token
from streams.workers.intake import Intake


class Partitions:
    """What is paused, as told."""

    def __init__(self, most: int) -> None:
        self.paused: set[Hashable] = set()
        self.acknowledged: list[tuple[str, int]] = []
        self.intake = Intake(most, pause=self.pause, resume=self.paused.remove)

    def pause(self, partition: Hashable) -> None:
        assert partition not in self.paused
        self.paused.add(partition)

    def take(self, partition: str, offset: int) -> Token:
        return self.intake.take(partition, lambda: self.acknowledged.append((partition, offset)))


def test_a_partition_is_paused_at_the_limit_and_resumed_at_half_of_it() -> None:
    partitions = Partitions(4)
    tokens = [partitions.take("a", offset) for offset in range(4)]
    assert partitions.paused == {"a"}
    assert partitions.intake.is_paused("a")
    partitions.intake.finish(tokens[0])
    assert partitions.paused == {"a"}
    partitions.intake.finish(tokens[1])
    assert partitions.paused == set()


def test_what_is_finished_behind_an_open_command_does_not_resume() -> None:
    partitions = Partitions(2)
    first, second = partitions.take("a", 0), partitions.take("a", 1)
    partitions.intake.finish(second)
    assert partitions.paused == {"a"}
    partitions.intake.finish(first)
    assert partitions.paused == set()
    assert partitions.acknowledged == [("a", 0), ("a", 1)]


def test_partitions_that_come_back_are_not_paused() -> None:
    partitions = Partitions(1)
    token = partitions.take("a", 0)
    partitions.intake.forget()
    partitions.paused.clear()  # the state of an assignment ends with it
    partitions.intake.finish(token)
    assert not partitions.intake.is_paused("a")
    assert partitions.intake.paused == partitions.intake.unacknowledged == 0
    partitions.take("a", 0)
    assert partitions.paused == {"a"}


@given(most=st.integers(1, 5), steps=st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.integers(0, 9))))
def test_only_a_partition_with_open_commands_is_paused(most: int, steps: list[tuple[str, bool, int]]) -> None:
    partitions, taken = Partitions(most), {"a": list[Token](), "b": list[Token]()}
    for offset, (partition, finishes, which) in enumerate(steps):
        if not finishes:
            taken[partition].append(partitions.take(partition, offset))
        elif taken[partition]:
            partitions.intake.finish(taken[partition].pop(which % len(taken[partition])))
        assert all(taken[paused] for paused in partitions.paused)  # type: ignore[index]
        assert partitions.intake.paused == len(partitions.paused)
