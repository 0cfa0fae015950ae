"""A committed offset that stands still although there is lag, and one that goes back."""

from __future__ import annotations

from streams.monitor.moves import Move, Moves, Spot

SPOT: Spot = ("submit.org1-admin", "commands.org1-admin", 0)


def test_an_offset_stalls_while_there_is_lag_and_it_does_not_move() -> None:
    moves = Moves()
    assert moves.see(SPOT, 5, 1, 100.0) == Move(0.0, 0)
    assert moves.see(SPOT, 5, 2, 130.0) == Move(30.0, 0)
    assert moves.see(SPOT, 6, 2, 140.0) == Move(0.0, 0)
    assert moves.see(SPOT, 6, 2, 141.0) == Move(1.0, 0)


def test_without_lag_nothing_stalls_and_what_comes_then_begins_anew() -> None:
    moves = Moves()
    moves.see(SPOT, 5, 1, 100.0)
    assert moves.see(SPOT, 5, 0, 200.0).stalled_s == 0.0
    assert moves.see(SPOT, 5, 1, 210.0).stalled_s == 10.0


def test_a_group_that_never_committed_stalls_too() -> None:
    moves = Moves()
    moves.see(SPOT, None, 3, 100.0)
    assert moves.see(SPOT, None, 3, 160.0) == Move(60.0, 0)
    assert moves.see(SPOT, 1, 2, 170.0) == Move(0.0, 0)


def test_each_step_back_counts_and_the_loss_of_the_offset_too() -> None:
    moves = Moves()
    for committed, rewinds in ((5, 0), (3, 1), (3, 1), (4, 1), (0, 2), (None, 3), (None, 3), (7, 3)):
        assert moves.see(SPOT, committed, 9, 0.0).rewinds == rewinds


def test_spots_are_apart_and_forgotten_when_they_are_gone() -> None:
    moves, other = Moves(), ("route", "topic", 0)
    moves.see(SPOT, 5, 1, 100.0)
    moves.see(other, 5, 1, 100.0)
    moves.see(SPOT, 1, 1, 100.0)
    assert moves.see(other, 5, 1, 110.0) == Move(10.0, 0)
    moves.keep([other])
    assert moves.see(SPOT, 0, 1, 120.0) == Move(0.0, 0)
    assert moves.see(other, 5, 1, 120.0) == Move(20.0, 0)
