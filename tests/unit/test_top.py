"""Two scrapes of the line become rates, times and a page, with any part missing."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest
from rich.console import Console
from scripted_ledger import EARLY

from streams.cli.top_page import duration, page, rate
from streams.local.targets import Job, Target
from streams.messages import Outcome, OutcomeKind
from streams.operations.top.frame import Frame, Look, frame
from streams.operations.top.quantiles import quantile
from streams.operations.top.samples import Samples, grown, parse
from streams.telemetry.metrics import Metrics
from streams.telemetry.stages import Stage

SUBMIT = Target(process="submit-a", job=Job.SUBMIT, address="127.0.0.1:1", identity="a")
MONITOR = Target(process="monitor", job=Job.MONITOR, address="127.0.0.1:2")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MONITORED = """
outbox_rows{status="PENDING"} 1234
outbox_oldest_pending_age_seconds 200
kafka_consumergroup_group_sum_lag{cluster_name="c",group="route"} 7
kafka_consumergroup_group_max_lag_seconds{cluster_name="c",group="route"} 2.5
"""


class Worker:
    """A submit worker's metrics, as they are scraped."""

    def __init__(self) -> None:
        self.metrics = Metrics("a")
        for name, value in {"outbox_breaker_open": 0.0, "outbox_window_limit": 500, "outbox_window_in_use": 3}.items():
            self.metrics.watch(name, lambda value=value: value)

    def commit(self, count: int) -> None:
        outcome = Outcome(
            command_id="c",
            command_type="T",
            kind=OutcomeKind.COMMITTED,
            identity="a",
            stages={"routed": EARLY, "taken": EARLY.replace(second=2)},
            worker="w",
            happened_at=EARLY,
        )
        for _ in range(count):
            self.metrics.outcome(outcome)
            self.metrics.ended(outcome)

    def scraped(self) -> Samples:
        return parse(generate_latest(self.metrics.registry).decode())


def look(at: float, **scrapes: Samples) -> Look:
    by_target = {SUBMIT: scrapes.get("submit"), MONITOR: scrapes.get("monitor")}
    answered = {target: samples for target, samples in by_target.items() if samples is not None}
    return Look(at=at, scrapes=answered, targets=[SUBMIT, MONITOR])


def shown(made: Frame) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(page(made))
    return capture.get()


def test_a_rate_is_what_was_counted_between_two_looks() -> None:
    worker = Worker()
    worker.commit(10)
    before = look(100.0, submit=worker.scraped())
    worker.commit(30)
    made = frame(look(102.0, submit=worker.scraped()), before, before, AT)
    (row,) = made.identities
    assert (row.committed_per_s, row.failed_per_s) == (15.0, 0.0)
    assert (row.window_in_use, row.window_limit, row.breaker, row.workers) == (3, 500, "closed", 1)
    queue = next(stage for stage in made.stages if stage.stage is Stage.QUEUE)
    assert queue.per_s == 15.0
    assert queue.p50_s == pytest.approx(1.75)  # in the middle of the bucket from 1 to 2.5 s


def test_a_worker_that_began_anew_is_counted_from_zero() -> None:
    worker, again = Worker(), Worker()
    worker.commit(10)
    again.commit(4)
    assert grown(again.scraped(), worker.scraped(), "outbox_outcomes_total", kind="committed") == 4


def test_with_one_look_there_are_times_since_the_start_and_no_rates() -> None:
    worker = Worker()
    worker.commit(1)
    made = frame(look(1.0, submit=worker.scraped()), None, None, AT)
    assert made.identities[0].committed_per_s is None
    assert [row.stage for row in made.stages if row.p50_s is not None] == [Stage.QUEUE]


def test_an_identity_whose_worker_does_not_answer_is_shown_without_one() -> None:
    made = frame(look(1.0), None, None, AT)
    assert [(row.identity, row.workers, row.breaker) for row in made.identities] == [("a", 0, None)]
    assert "–" in shown(made)


def test_the_monitor_tells_lag_and_the_oldest_pending_row() -> None:
    made = frame(replace(look(1.0, monitor=parse(MONITORED)), lags={"route": 1, "write-back": 2}), None, None, AT)
    assert [(row.group, row.records, row.seconds) for row in made.lags] == [("route", 7, 2.5), ("write-back", 2, None)]
    assert (made.pending, made.oldest_pending_s) == (1234, 200.0)
    text = shown(made)
    assert "pending 1,234   oldest pending 3 min 20 s" in text
    assert "03:04:05 UTC" in text


def test_what_could_not_be_asked_is_named() -> None:
    problems = {"monitor": "127.0.0.1:2 is not reachable: Connection refused"}
    text = shown(frame(replace(look(1.0), problems=problems), None, None, AT))
    assert "monitor: 127.0.0.1:2 is not reachable: Connection refused" in text
    assert "1 not reachable" in text


@pytest.mark.parametrize(
    ("cumulative", "p95"),
    [
        ({}, None),
        ({0.1: 0.0, math.inf: 0.0}, None),
        ({0.1: 100.0, 0.2: 100.0, math.inf: 100.0}, 0.095),
        ({0.1: 0.0, 0.2: 100.0, math.inf: 100.0}, 0.195),
        ({0.1: 0.0, 0.2: 1.0, math.inf: 100.0}, 0.2),
    ],
    ids=["nothing", "no observation", "first bucket", "second bucket", "beyond the last bound"],
)
def test_a_quantile_lies_within_its_bucket(cumulative: dict[float, float], p95: float | None) -> None:
    assert quantile(0.95, cumulative) == (None if p95 is None else pytest.approx(p95))


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0.038, "38 ms"), (2.5, "2.5 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_duration_is_written_as_people_read_it(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
    assert rate(None) == "–"
