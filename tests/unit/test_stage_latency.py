"""Every stage of a command is observed once, where it ends, whatever is delivered again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from carrier_line import Line, command, letter_of, line_with
from scripted_ledger import COMMAND, EARLY, TAKEN_AT, endorse_failed, entry, nothing, rejected

from streams.messages import DeadLetterKind, Outcome, OutcomeKind
from streams.telemetry.metrics import BUCKETS, COUNTERS, GAUGES, HISTOGRAMS, STAGE_LATENCY, STATUS, Metrics
from streams.telemetry.stages import BOUNDS, Stage, durations_s
from streams.telemetry.tracing import NoTracing
from streams.workers.sink_told import SinkTold

LABELS = {"identity", "kind", "code", "verdict", "status", "stage"}
TIMES = {name: EARLY + timedelta(seconds=number) for number, name in enumerate(("created", "captured", "routed"))}


def observed(metrics: Metrics, identity: str = "org1-admin") -> dict[str, int]:
    """How often each stage was observed."""
    counts = {stage: count_of(metrics, stage, identity) for stage in Stage}
    return {stage.value: count for stage, count in counts.items() if count}


def count_of(metrics: Metrics, stage: Stage, identity: str) -> int:
    labels = {"stage": stage.value, "identity": identity}
    return int(metrics.registry.get_sample_value(f"{STAGE_LATENCY}_count", labels) or 0)


def outcome(kind: OutcomeKind, **stages: datetime) -> Outcome:
    return Outcome(
        command_id="c-1",
        command_type="TRANSFER_TOKENS",
        kind=kind,
        identity="org1-admin",
        stages={**TIMES, **stages},
        worker="w",
        happened_at=EARLY + timedelta(seconds=5),
    )


def told() -> SinkTold:
    return SinkTold(NoTracing(), Metrics())


async def carry(line: Line, times: int = 1) -> dict[str, int]:
    for number in range(times):
        line.take(command("c-1"))
        await line.until_acknowledged(number + 1)
    return observed(line.metrics)


async def test_a_submit_worker_observes_its_stages_once() -> None:
    assert await carry(line_with()) == {"queue": 1, "endorse": 1, "submit": 1, "commit": 1}


async def test_a_second_delivery_of_a_committed_command_observes_nothing() -> None:
    line = line_with(endorse=[nothing, rejected("DUPLICATE_TXID")], held=[entry()])
    assert await carry(line, times=2) == {"queue": 1, "endorse": 1, "submit": 1, "commit": 1}


async def test_a_command_that_failed_before_the_worker_started_observes_nothing() -> None:
    assert await carry(line_with([letter_of(command("c-1"), DeadLetterKind.REFUSED)])) == {}


async def test_what_the_ledger_had_already_observes_nothing() -> None:
    assert await carry(line_with(endorse=[rejected("DUPLICATE_TXID")], held=[entry()])) == {}


async def test_a_refused_command_observes_the_stages_that_it_passed() -> None:
    assert await carry(line_with(endorse=[endorse_failed(refused=True)] * 2, held=[nothing])) == {"queue": 1}


def test_the_route_worker_observes_under_the_identity_that_signs() -> None:
    metrics = Metrics()
    metrics.routed("org1-admin", TIMES)
    assert observed(metrics) == {"capture": 1, "route": 1}
    labels = {"stage": "capture", "identity": "org1-admin", "le": "1.0"}
    assert metrics.registry.get_sample_value(f"{STAGE_LATENCY}_bucket", labels) == 1


@pytest.mark.parametrize("kind", [OutcomeKind.COMMITTED, OutcomeKind.FAILED])
def test_the_sink_observes_the_write_back_and_the_whole_way(kind: OutcomeKind) -> None:
    sink = told()
    sink.hold([(outcome(kind), None)])
    sink.written(["c-1"])
    assert observed(sink.metrics) == {"writeback": 1, "total": 1}


def test_news_on_the_way_is_no_end() -> None:
    sink = told()
    sink.hold([(outcome(kind), None) for kind in (OutcomeKind.WAITING, OutcomeKind.SUBMITTED)])
    sink.written(["c-1"])
    assert observed(sink.metrics) == {}
    assert processed(sink.metrics) == {}


def test_a_row_that_did_not_change_is_not_observed_again() -> None:
    sink = told()
    for changed in (["c-1"], []):
        sink.hold([(outcome(OutcomeKind.COMMITTED), None)])
        sink.written(changed)
    assert observed(sink.metrics) == {"writeback": 1, "total": 1}


def test_of_a_batch_the_final_outcome_of_a_command_counts() -> None:
    sink = told()
    kinds = (OutcomeKind.SUBMITTED, OutcomeKind.COMMITTED, OutcomeKind.SUBMITTED)
    sink.hold([(outcome(kind), None) for kind in kinds])
    sink.written(["c-1"])
    assert processed(sink.metrics) == {"success": 1}


def processed(metrics: Metrics) -> dict[str, float]:
    name = "outbox_commands_processed_total"
    found = {
        status: metrics.registry.get_sample_value(name, {"status": status})
        for status in ("success", "failed", "max_retries")
    }
    return {status: value for status, value in found.items() if value}


def test_the_old_names_live_on() -> None:
    sink = told()
    kinds = {OutcomeKind.COMMITTED: "success", OutcomeKind.FAILED: "failed", OutcomeKind.PARKED: "max_retries"}
    for kind in kinds:
        sink.hold([(outcome(kind, taken=TAKEN_AT), None)])
        sink.written(["c-1"])
    assert processed(sink.metrics) == dict.fromkeys(kinds.values(), 1)
    sample = sink.metrics.registry.get_sample_value
    assert sample("outbox_processing_duration_seconds_count") == 2
    assert sample("outbox_processing_duration_seconds_sum") == 2 * (EARLY.replace(second=5) - TAKEN_AT).total_seconds()
    ready = [True]
    sink.metrics.watch_status(lambda: ready[0])
    assert sample("outbox_worker_status") == 1
    ready[0] = False
    assert sample("outbox_worker_status") == 0


def test_clocks_that_disagree_make_no_negative_time() -> None:
    assert dict(durations_s({"created": TAKEN_AT, "captured": EARLY}, [Stage.CAPTURE])) == {Stage.CAPTURE: 0.0}


def test_every_stage_has_its_bounds_and_buckets_reach_from_10_ms_to_10_min() -> None:
    assert set(BOUNDS) == set(Stage)
    assert (BUCKETS[STAGE_LATENCY][0], BUCKETS[STAGE_LATENCY][-1]) == (0.01, 600)
    assert list(BUCKETS[STAGE_LATENCY]) == sorted(BUCKETS[STAGE_LATENCY])


def names(metrics: Metrics) -> Iterator[str]:
    for family in metrics.registry.collect():
        yield family.name


def test_the_set_of_metrics_and_of_their_labels_is_closed() -> None:
    metrics = Metrics("org1-admin")
    for name in GAUGES:
        metrics.watch(name, lambda: 0.0)
    metrics.watch_status(lambda: True)
    assert set(names(metrics)) == {*COUNTERS, *HISTOGRAMS, *GAUGES, *STATUS}
    families = (*COUNTERS.values(), *HISTOGRAMS.values(), *STATUS.values())
    assert {label for family in families for label in family.labels} <= LABELS
    assert COMMAND.command_id not in {label for family in families for label in family.labels}
