"""A replay goes on in another process as it began: with its rate, and only by a plan that is young enough."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_replay_left_out import PROGRESS
from test_replay_plan_file import ENTRY

from streams.errors import PipelineError
from streams.kafka.codecs import REPLAY_PROGRESS
from streams.operations.replay import plan_file, run
from streams.operations.replay.plan_file import Plan, PlanFile
from streams.operations.replay.progress import Controls
from streams.operations.replay.run import Pace
from streams.operators import OperatorAction, ReplayProgress


@dataclass
class Kafka:
    """What a resumed replay reads and tells; nobody publishes it."""

    known: ReplayProgress
    recorded: list[OperatorAction] = field(default_factory=list)
    pauses: list[bool] = field(default_factory=list)
    executed: list[ReplayProgress] = field(default_factory=list)


class Settings:
    class kafka:  # noqa: N801
        bootstrap_servers = ""

    operator = "somebody"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    with PlanFile(tmp_path / "plan.jsonl") as file:
        file.write(ENTRY)
    flags = {"tenant": "acme", "share": "50%", "max": "3", "type": "MINT"}
    file.finish(by="somebody", flags=flags, include_failed=False, results_end={})
    return file.file


@pytest.fixture
def kafka(plan: Path, monkeypatch: pytest.MonkeyPatch) -> Kafka:
    with Plan(plan) as made:
        known = replace(PROGRESS, plan_id=made.head.plan_id, plan_file=str(plan), rate=0.5)
    told = Kafka(known)

    @contextmanager
    def controls(_: str) -> Any:
        nothing: Any = None
        yield Controls(nothing, {known.replay_id: known})

    @contextmanager
    def execution(*arguments: Any) -> Any:
        told.executed.append(arguments[2])
        yield None

    monkeypatch.setattr(run, "_controls", controls)
    monkeypatch.setattr(run, "_execution", execution)
    monkeypatch.setattr(run, "_somebody_publishes", lambda *_: False)
    monkeypatch.setattr(run, "published", lambda _: told.executed[0])
    monkeypatch.setattr(run, "record", lambda _, action: told.recorded.append(action))
    monkeypatch.setattr(run, "tell_progress", lambda *_: None)
    monkeypatch.setattr(run, "tell_pause", lambda *_, is_paused, **__: told.pauses.append(is_paused))
    return told


def resume(rate: float | None = None) -> ReplayProgress:
    settings: Any = Settings()
    return run.resume(settings, PROGRESS.replay_id, None, rate, lambda _: None)


def test_it_keeps_its_rate(kafka: Kafka) -> None:
    assert resume().rate == 0.5
    assert REPLAY_PROGRESS.decode(REPLAY_PROGRESS.encode(kafka.known)).rate == 0.5
    assert (kafka.pauses, kafka.recorded[0].flags["rate"]) == ([False], "0.5")


def test_it_takes_another_rate(kafka: Kafka) -> None:
    assert resume(7).rate == 7
    assert kafka.recorded[0].flags["rate"] == "7"


def test_with_a_plan_older_than_an_hour_it_stays_as_it_is(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_file, "STALE_AFTER", timedelta())
    with pytest.raises(PipelineError, match="older than an hour: make a new one"):
        resume()
    assert (kafka.pauses, kafka.recorded, kafka.executed) == ([], [], [])


def test_the_record_of_an_execution_has_the_filters_of_its_plan_and_the_pace_of_now(plan: Path) -> None:
    with Plan(plan) as made:
        flags: Mapping[str, str] = run._flags(made, Pace(share=0.1, most=2))
        plan_id = made.head.plan_id
    assert flags == {
        "tenant": "acme",
        "type": "MINT",
        "max": "2",
        "execute": "True",
        "plan": str(plan),
        "plan_id": plan_id,
    }
