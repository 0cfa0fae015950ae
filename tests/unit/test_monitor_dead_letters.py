"""Dead letters that nobody has dealt with, as they come, are dealt with and are removed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from streams.errors import SourceIncomplete
from streams.kafka import codecs
from streams.kafka.tail import TailRecord
from streams.messages import DeadLetter, DeadLetterKind, Origin
from streams.monitor.dead_letters import KINDS, UNREADABLE, DeadLetters
from streams.monitor.letters_dealt_with import Resolutions
from streams.operators import LetterResolution, OperatorAction, Resolution

NOW_S = 1_000_000.0


class Topic:
    """A topic in memory, and those of its letters that somebody has just dealt with."""

    topic = "dead-letters"

    def __init__(self) -> None:
        self.new: list[TailRecord] = []
        self.first_offsets = {0: 0}
        self.behind = 0
        self.settled: list[Origin] = []

    def read(self, at_most_s: float) -> Iterator[TailRecord]:
        yield from self.new
        self.new = []

    def close(self) -> None:
        """Nothing to end."""

    def add(self, offset: int, value: bytes, age_s: float) -> None:
        self.new.append(TailRecord(partition=0, offset=offset, value=value, written_s=NOW_S - age_s))


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setattr(time, "time", lambda: NOW_S)
    return Topic()


def letter(kind: DeadLetterKind, command_id: str | None = None) -> bytes:
    found = DeadLetter(
        kind=kind,
        error_code="CODE",
        command_id=command_id,
        cause="cause",
        origin=Origin(topic="commands.org1-admin", partition=0, offset=0),
        key=None,
        value=None,
        worker="worker",
        happened_at=datetime.now(UTC),
    )
    return codecs.DEAD_LETTERS.encode(found)


def shown(letters: DeadLetters) -> dict[str, tuple[float, float]]:
    """Kind -> (how many, age of the oldest), of kinds that there are."""
    samples = {(each.name, each.labels[0]): each.value for each in letters.collect()}
    assert {kind for _, kind in samples} == set(KINDS)
    return {
        kind: (count, samples["outbox_dlq_oldest_age_seconds", kind])
        for (name, kind), count in samples.items()
        if name == "outbox_dlq_messages" and (count or samples["outbox_dlq_oldest_age_seconds", kind])
    }


def test_letters_count_by_kind_and_what_is_no_letter_counts_too(topic: Topic) -> None:
    letters = DeadLetters(topic)
    assert shown(letters) == {}
    topic.add(0, letter(DeadLetterKind.REFUSED), 50.0)
    topic.add(1, b"no letter", 40.0)
    topic.add(2, letter(DeadLetterKind.REFUSED), 30.0)
    assert shown(letters) == {"refused": (2, 50.0), UNREADABLE: (1, 40.0)}
    topic.add(3, letter(DeadLetterKind.BUG), 1.0)
    assert shown(letters) == {"refused": (2, 50.0), UNREADABLE: (1, 40.0), "bug": (1, 1.0)}


def test_what_somebody_has_dealt_with_and_what_was_removed_does_not_count(topic: Topic) -> None:
    letters = DeadLetters(topic, dealt_with=lambda: topic.settled)
    for offset in range(4):
        topic.add(offset, letter(DeadLetterKind.UNKNOWN), 50.0 - offset)
    topic.settled = [Origin(topic="dead-letters", partition=0, offset=0), Origin(topic="x", partition=9, offset=1)]
    assert shown(letters) == {"unknown": (3, 49.0)}
    topic.first_offsets = {0: 3}
    assert shown(letters) == {"unknown": (1, 47.0)}


def test_what_somebody_deals_with_while_it_is_still_reading_does_not_count_afterwards(topic: Topic) -> None:
    letters = DeadLetters(topic, dealt_with=lambda: [topic.settled.pop()] if topic.settled else [])
    topic.settled, topic.behind = [Origin(topic="dead-letters", partition=0, offset=1)], 1
    topic.add(0, letter(DeadLetterKind.BUG), 9.0)
    with pytest.raises(SourceIncomplete):
        shown(letters)
    topic.behind = 0
    topic.add(1, letter(DeadLetterKind.BUG), 5.0)
    assert shown(letters) == {"bug": (1, 9.0)}


def test_of_a_command_the_newest_letter_counts_until_its_row_is_committed(topic: Topic) -> None:
    committed: list[str] = []
    letters = DeadLetters(topic, committed=lambda asked: set(asked) & set(committed))
    for offset, command_id in enumerate(("a", "b", "a")):
        topic.add(offset, letter(DeadLetterKind.REFUSED, command_id), 50.0 - offset)
    assert shown(letters) == {"refused": (2, 49.0)}
    committed.append("b")
    assert shown(letters) == {"refused": (1, 48.0)}
    committed.append("a")
    assert shown(letters) == {}
    topic.add(3, letter(DeadLetterKind.BUG, "c"), 1.0)
    assert shown(letters) == {"bug": (1, 1.0)}


def test_a_resolution_among_what_operators_did_closes_its_letter(topic: Topic) -> None:
    actions = Topic()
    letters = DeadLetters(topic, Resolutions(actions).new)
    topic.add(0, letter(DeadLetterKind.REFUSED, "a"), 50.0)
    topic.add(1, letter(DeadLetterKind.REFUSED, "b"), 40.0)
    now = datetime.now(UTC)
    action = OperatorAction(action_id="1", action="discard", by="eve", happened_at=now)
    resolution = LetterResolution(
        action_id="1",
        resolution=Resolution.DISCARDED,
        letter=Origin(topic="dead-letters", partition=0, offset=0),
        reason="given up",
        by="eve",
        happened_at=now,
    )
    actions.add(0, codecs.OPERATOR_ACTIONS.encode(action), 1.0)
    assert shown(letters) == {"refused": (2, 50.0)}
    actions.add(1, codecs.LETTER_RESOLUTIONS.encode(resolution), 1.0)
    assert shown(letters) == {"refused": (1, 40.0)}
    actions.behind = 5
    with pytest.raises(SourceIncomplete):
        shown(letters)


def test_while_it_is_still_reading_it_tells_nothing_but_how_far_it_is(topic: Topic) -> None:
    letters = DeadLetters(topic)
    topic.add(0, letter(DeadLetterKind.BUG), 5.0)
    topic.behind = 12_000
    with pytest.raises(SourceIncomplete, match="12,000 records of dead-letters are still to be read"):
        shown(letters)
    topic.behind = 0
    assert shown(letters) == {"bug": (1, 5.0)}
