"""Replayed commands take their share of the window, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from test_codecs import routed

from streams.kafka.replays import DEFAULT_SHARE, Replay, replay_of
from streams.workers.replay_gate import ReplayGate


@dataclass
class Gated:
    limit: int = 10
    entered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate: ReplayGate[str] = ReplayGate(lambda: self.limit, self.entered.append)

    def take(self, share: float, items: str) -> None:
        for item in items:
            self.gate.take(share, item)


def test_no_more_than_their_share_of_the_window_is_let_in_and_the_others_follow_in_their_order() -> None:
    gated = Gated()
    gated.take(0.2, "abcd")
    assert gated.entered == ["a", "b"]
    gated.gate.finished()
    assert gated.entered == ["a", "b", "c"]
    assert gated.gate.in_flight == 2


def test_a_narrow_window_lets_in_one_at_a_time() -> None:
    gated = Gated(limit=1)
    gated.take(0.2, "abc")
    assert gated.entered == ["a"]
    gated.gate.finished()
    assert gated.entered == ["a", "b"]


def test_a_window_that_has_grown_counts_from_the_next_one_on() -> None:
    gated = Gated(limit=1)
    gated.take(0.5, "abcde")
    gated.limit = 10
    gated.gate.finished()
    assert gated.entered == list("abcde")


def test_after_a_drain_nothing_waits_and_nothing_is_in_flight() -> None:
    gated = Gated()
    gated.take(0.1, "abc")
    gated.gate.forget()
    gated.take(0.1, "d")
    assert gated.entered == ["a", "d"]


@pytest.mark.parametrize("is_redrive", [False, True])
def test_headers_say_what_a_replay_is(is_redrive: bool) -> None:
    replay = Replay(replay_id="r-1", share=0.05, is_redrive=is_redrive)
    headers = {name: text.encode() for name, text in replay.headers(routed()).items()}
    assert headers["command_id"] == b"c-1"
    assert replay_of(headers) == replay_of(list(headers.items())) == replay


@pytest.mark.parametrize("headers", [None, [], {"replay_share": b"x", "redrive": b"\xff"}])
def test_headers_that_say_nothing_let_nothing_more_through(headers: dict[str, bytes] | None) -> None:
    assert replay_of(headers) == Replay(replay_id="", share=DEFAULT_SHARE, is_redrive=False)


def test_a_share_is_between_nothing_and_all() -> None:
    assert replay_of({"replay_share": b"7"}).share == 1.0
    assert replay_of({"replay_share": b"-1"}).share == 0.0
