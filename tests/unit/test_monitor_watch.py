"""A source that is away shows nothing, says so once, and stops nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from structlog.testing import capture_logs

from streams.errors import SourceIncomplete
from streams.monitor.exposition import Exposition
from streams.monitor.metrics import METRICS, Kind, Sample, sample
from streams.monitor.run import not_ready, problems
from streams.monitor.source import Source
from streams.monitor.watch import STALE_PERIODS, STALE_S, Watch
from streams.telemetry import Event


class Neighbour:
    """Answers with one metric, or raises."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.now = 1000.0

    def collect(self) -> Iterator[Sample]:
        yield sample("outbox_queue_depth", 7)
        if self.error is not None:
            raise self.error

    def watch(self, name: str = "rows") -> Watch:
        return Watch(Source(name=name, period_s=5.0, collect=self.collect), clock=lambda: self.now)


@pytest.fixture
def neighbour() -> Neighbour:
    return Neighbour()


def shown(*watches: Watch) -> dict[str, float]:
    """Metric, or metric and source -> value, as /metrics shows them."""
    families = Exposition(watches).registry.collect()
    return {
        "/".join([each.name, *each.labels.values()]): each.value
        for family in families
        for each in family.samples
        if each.name != "outbox_monitor_last_success_timestamp_seconds"
    }


def test_what_a_source_answers_is_shown_until_it_is_away(neighbour: Neighbour) -> None:
    watch = neighbour.watch()
    assert shown(watch) == {"outbox_monitor_source_up/rows": 0.0}
    watch.ask()
    assert shown(watch) == {"outbox_monitor_source_up/rows": 1.0, "outbox_queue_depth": 7.0}
    neighbour.error = psycopg.OperationalError("connection refused\nIs the server running?")
    watch.ask()
    assert shown(watch) == {"outbox_monitor_source_up/rows": 0.0}
    assert problems([watch]) == ["rows: connection refused"]
    neighbour.error = None
    watch.ask()
    assert shown(watch)["outbox_queue_depth"] == 7.0


def test_the_time_of_the_last_answer_stays_known(neighbour: Neighbour) -> None:
    watch = neighbour.watch()
    watch.ask()
    before = watch.last_success_s
    neighbour.error = OSError("away")
    watch.ask()
    assert before is not None
    value = Exposition([watch]).registry.get_sample_value(
        "outbox_monitor_last_success_timestamp_seconds", {"source": "rows"}
    )
    assert value == before


def test_an_old_answer_is_not_shown_as_a_fresh_one(neighbour: Neighbour) -> None:
    watch = neighbour.watch()
    watch.ask()
    neighbour.now += STALE_PERIODS * 5.0 + STALE_S
    assert "outbox_queue_depth" in shown(watch)
    neighbour.now += 0.1
    assert shown(watch) == {"outbox_monitor_source_up/rows": 0.0}
    assert problems([watch]) == ["rows: its answer is overdue"]


def test_a_source_that_is_away_does_not_hide_the_others(neighbour: Neighbour) -> None:
    away = Neighbour()
    away.error = OSError("away")
    watches = [away.watch("connect"), neighbour.watch()]
    for watch in watches:
        watch.ask()
    assert shown(*watches) == {
        "outbox_monitor_source_up/connect": 0.0,
        "outbox_monitor_source_up/rows": 1.0,
        "outbox_queue_depth": 7.0,
    }
    assert problems(watches) == ["connect: away"]


def test_going_and_coming_back_are_said_once_each(neighbour: Neighbour) -> None:
    watch = neighbour.watch()
    with capture_logs() as logs:
        watch.ask()
        neighbour.error = SourceIncomplete("still reading")
        watch.ask()
        watch.ask()
        neighbour.error = None
        watch.ask()
        watch.ask()
    assert [(line["event"], line["source"]) for line in logs] == [
        (Event.SOURCE_LOST, "rows"),
        (Event.SOURCE_BACK, "rows"),
    ]


def test_a_bug_of_a_source_is_logged_with_its_trace_and_ends_nothing(neighbour: Neighbour) -> None:
    watch = neighbour.watch()
    neighbour.error = ZeroDivisionError("bug")
    with capture_logs() as logs:
        watch.ask()
    assert [line.get("exc_info") for line in logs] == [True, None]
    assert shown(watch) == {"outbox_monitor_source_up/rows": 0.0}
    neighbour.error = None
    watch.ask()
    assert "outbox_queue_depth" in shown(watch)


def test_the_monitor_is_ready_when_every_source_was_asked_whatever_came_of_it(neighbour: Neighbour) -> None:
    away = Neighbour()
    away.error = OSError("away")
    watches = [away.watch("connect"), neighbour.watch()]
    watches[0].ask()
    assert not_ready(watches) == "not asked yet: rows"
    watches[1].ask()
    assert not_ready(watches) is None


def test_a_question_that_never_ends_is_found_out() -> None:
    now, asked, answer = [0.0], threading.Event(), threading.Event()

    def collect() -> list[Sample]:
        asked.set()
        answer.wait(30)
        return []

    watch = Watch(Source(name="stuck", period_s=60.0, collect=collect), clock=lambda: now[0])
    watch.start()
    try:
        assert asked.wait(10)
        assert watch.stands_still() is None
        now[0] = watch.source.stuck_s + 1
        assert watch.stands_still() == "stuck has been asked for 301 s"
    finally:
        watch.stop()
        answer.set()
        watch.join(10)
    assert watch.stands_still() is None


def test_a_long_run_of_reconciliation_neither_fails_the_monitor_nor_hides_the_run_before() -> None:
    now, asked, answer = [0.0], threading.Semaphore(0), threading.Semaphore(1)

    def collect() -> list[Sample]:
        asked.release()
        assert answer.acquire(timeout=30)
        return [sample("outbox_queue_depth", 7)]

    source = Source(name="reconcile", period_s=0.01, collect=collect, stuck_s=None, longest_s=7200.0)
    watch = Watch(source, clock=lambda: now[0])
    watch.start()
    try:
        assert asked.acquire(timeout=10)
        assert asked.acquire(timeout=10)  # the second run, which does not end
        now[0] = 7200.0
        assert watch.stands_still() is None
        assert watch.fresh() is not None
        now[0] += STALE_S + 1
        assert watch.stands_still() is None
        assert watch.problem() == "reconcile: its answer is overdue"
    finally:
        watch.stop()
        answer.release()
        watch.join(10)


def test_a_source_is_closed_in_its_thread_at_the_end() -> None:
    closed: list[str] = []
    source = Source(
        name="rows",
        period_s=60.0,
        collect=list,
        close=lambda: closed.append(threading.current_thread().name),
    )
    watch = Watch(source)
    watch.start()
    watch.stop()
    watch.join(10)
    assert closed == ["source rows"]


@pytest.mark.parametrize(
    ("name", "labels"), [("outbox_unknown", {}), ("outbox_rows", {}), ("outbox_rows", {"id": "c-1"})]
)
def test_a_sample_outside_of_the_closed_set_cannot_be_made(name: str, labels: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        sample(name, 1.0, **labels)


def test_every_metric_is_of_its_kind_and_known_by_its_name() -> None:
    families = {family.name: family.type for family in Exposition([]).describe()}
    assert families == {
        name.removesuffix("_total") if metric.kind is Kind.COUNTER else name: metric.kind
        for name, metric in METRICS.items()
    }
