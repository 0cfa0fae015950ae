"""A record that is gone is left out and told; one of which the brokers say nothing stops the replay, which goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from scripted_ledger import COMMAND, EARLY
from test_replay_plan_file import ENTRY

from streams.cli.replay_shown import refuse_to_call_done
from streams.errors import PipelineError
from streams.files import SCHEMAS
from streams.kafka.codecs import REPLAY_PROGRESS
from streams.messages import RoutedCommand
from streams.operations.replay import again, execute
from streams.operations.replay.again import Again
from streams.operations.replay.execute import Execution
from streams.operations.replay.plan import Entry
from streams.operations.replay.plan_file import Plan, PlanFile
from streams.operations.replay.progress import Controls
from streams.operations.replay.run import published
from streams.operators import ReplayProgress, ReplayState
from streams.postgres.profiles import load_profile
from streams.routes.table import load_routes

ENTRIES = [replace(ENTRY, command_id=f"c-{number}", offset=number) for number in range(4)]
PROGRESS = ReplayProgress(
    replay_id="r-1",
    plan_id="p-1",
    plan_file="plan.jsonl",
    state=ReplayState.RUNNING,
    by="somebody",
    worker="w",
    share=0.2,
    planned=len(ENTRIES),
    handled=0,
    published=0,
    changed=0,
    gone=0,
    started_at=EARLY,
    happened_at=EARLY,
)


@dataclass
class SilentConsumer:
    """No record comes; the partition holds the offsets `first` to `end`."""

    first: int
    end: int

    def assign(self, _: object) -> None: ...

    def poll(self, _: float) -> None: ...

    def get_watermark_offsets(self, *_: object, timeout: float) -> tuple[int, int]:
        return self.first, self.end

    def close(self) -> None: ...


def read_again(monkeypatch: pytest.MonkeyPatch, first: int, end: int) -> list[RoutedCommand | None]:
    monkeypatch.setattr(again, "consumer_outside_groups", lambda _: SilentConsumer(first, end))
    monkeypatch.setattr(again, "READ_TIMEOUT_S", 0.05)
    with Again("", "cdc", load_routes(SCHEMAS / "routes.toml"), load_profile("snake_case")) as reader:
        return [command for _, command in reader.commands([ENTRY])]


@pytest.mark.parametrize(("first", "end"), [(6, 9), (6, 6), (0, 5), (0, 0)])
def test_a_record_that_the_brokers_do_not_reach_any_more_is_gone(
    first: int, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_again(monkeypatch, first, end) == [None]


def test_a_record_that_is_there_and_does_not_come_is_not_taken_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaException, match=r"commands\.org1-admin\[1\]@5 did not arrive"):
        read_again(monkeypatch, 0, 9)


@dataclass
class ScriptedAgain:
    """Commands of `gone` are gone; of `silent` nothing is heard."""

    gone: frozenset[str] = frozenset()
    silent: str = ""

    def commands(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, RoutedCommand | None]]:
        for entry in entries:
            if entry.command_id == self.silent:
                raise KafkaException("silence")
            is_gone = entry.command_id in self.gone
            yield entry, None if is_gone else replace(COMMAND, command_id=entry.command_id or "")


@dataclass
class Topic:
    """In the place of the producer and the tails: nothing is new, everything is taken."""

    produced: list[str] = field(default_factory=list)

    def news(self) -> tuple[()]:
        return ()

    def produce(self, *_: object, headers: dict[str, bytes], **__: object) -> None:
        self.produced.append(headers["command_id"].decode())

    def poll(self, _: float) -> None: ...

    def flush(self, _: float) -> int:
        return 0

    def close(self) -> None: ...


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    monkeypatch.setattr(execute, "Tail", lambda *_: made)
    monkeypatch.setattr(execute, "Producer", lambda _: made)
    monkeypatch.setattr(execute, "tell_progress", lambda *_: None)
    return made


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    with PlanFile(tmp_path / "plan.jsonl") as file:
        for entry in ENTRIES:
            file.write(entry)
    file.finish(by="somebody", flags={}, include_failed=False, results_end={})
    with Plan(file.file) as made:
        yield made


def execution(plan: Plan, topic: Topic, script: ScriptedAgain) -> Execution:
    controls: Any = Controls(topic, {PROGRESS.replay_id: PROGRESS})  # type: ignore[arg-type]
    reader: Any = script
    return Execution("", plan, PROGRESS, reader, controls)


def test_a_replay_without_every_record_ends_and_names_what_it_left_out(plan: Plan, topic: Topic) -> None:
    done = published(execution(plan, topic, ScriptedAgain(gone=frozenset({"c-1", "c-3"}))))
    assert (done.state, done.published, done.gone, done.gone_ids) == (ReplayState.FINISHED, 2, 2, ("c-1", "c-3"))
    assert topic.produced == ["c-0", "c-2"]
    assert REPLAY_PROGRESS.decode(REPLAY_PROGRESS.encode(done)).gone_ids == done.gone_ids
    with pytest.raises(PipelineError, match=r"2 commands were not published, their records are gone .*: c-1, c-3;"):
        refuse_to_call_done(done)


def test_a_replay_that_published_everything_is_done(plan: Plan, topic: Topic) -> None:
    done = published(execution(plan, topic, ScriptedAgain()))
    assert (done.published, done.gone) == (len(ENTRIES), 0)
    refuse_to_call_done(done)


def test_silent_brokers_stop_a_replay_before_its_end_and_say_how_to_go_on(plan: Plan, topic: Topic) -> None:
    going = execution(plan, topic, ScriptedAgain(silent="c-2"))
    with pytest.raises(PipelineError, match=r"after 0 of 4 commands: .*go on with: streams replay resume r-1"):
        published(going)
    assert (going.progress.state, going.progress.handled, going.progress.gone) == (ReplayState.RUNNING, 0, 0)
