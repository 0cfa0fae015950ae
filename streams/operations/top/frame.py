"""Two looks at the line become one frame: rates, times, and how things stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from streams.local.targets import Job, Target
from streams.messages import DeadLetter
from streams.operations.top.quantiles import buckets, quantile
from streams.operations.top.samples import Samples, grown
from streams.telemetry.metrics import STAGE_LATENCY
from streams.telemetry.stages import Stage

_BREAKERS = {0.0: "closed", 0.5: "probing", 1.0: "open"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What every source said at one time (`at`: seconds of a clock that only runs forward).

    `targets`: all that were asked, also those that did not answer. `problems`: source -> why it could not be asked.
    `lags`: consumer group -> records, as Kafka itself says.
    """

    at: float
    scrapes: Mapping[Target, Samples]
    targets: Sequence[Target]
    lags: Mapping[str, int] | None = None
    errors: Sequence[DeadLetter] | None = None
    problems: Mapping[str, str] = field(default_factory=dict)

    def of(self, job: Job, identity: str | None = None) -> dict[Target, Samples]:
        """The scrapes of one job."""
        return {
            target: samples
            for target, samples in self.scrapes.items()
            if target.job is job and identity in (None, target.identity)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow:
    """One identity, all its workers that answer together; None: not known, or not yet. Rates are per second."""

    identity: str
    workers: int
    committed_per_s: float | None
    failed_per_s: float | None
    retries_per_s: float | None
    window_in_use: int
    window_limit: int
    waiting: int
    lanes: int
    held: int
    breaker: str | None
    blocks_behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One stage over all identities; times in seconds, None: nothing was observed."""

    stage: Stage
    per_s: float | None
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LagRow:
    """One consumer group: records not yet acknowledged, and the age of the oldest where the monitor tells."""

    group: str
    records: int
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Everything that is shown at once. `oldest_pending_s` is None without a monitor that tells."""

    made_at: datetime
    processes: int
    identities: Sequence[IdentityRow]
    stages: Sequence[StageRow]
    lags: Sequence[LagRow]
    oldest_pending_s: float | None
    pending: int | None
    errors: Sequence[DeadLetter] | None
    problems: Mapping[str, str]


def frame(now: Look, before: Look | None, times_since: Look | None, made_at: datetime) -> Frame:
    """`before`: where rates begin, None: there are none yet; `times_since`: likewise of times, None: process start."""
    identities = {target.identity for target in now.targets if target.job is Job.SUBMIT and target.identity}
    monitor = next(iter(now.of(Job.MONITOR).values()), Samples())
    pending = monitor.total("outbox_rows", status="PENDING")
    return Frame(
        made_at=made_at,
        processes=len(now.scrapes),
        identities=[_identity(identity, now, before) for identity in sorted(identities)],
        stages=[_stage(stage, now, before, times_since) for stage in Stage],
        lags=_lags(now, monitor),
        oldest_pending_s=monitor.largest("outbox_oldest_pending_age_seconds"),
        pending=None if pending is None else int(pending),
        errors=now.errors,
        problems=now.problems,
    )


def _identity(identity: str, now: Look, before: Look | None) -> IdentityRow:
    workers = now.of(Job.SUBMIT, identity)

    def gauge(name: str) -> int:
        return int(sum(samples.total(name) or 0 for samples in workers.values()))

    def rate(name: str, **labels: str) -> float | None:
        return _rate(workers, now, before, name, **labels)

    breakers = [samples.largest("outbox_breaker_open") for samples in workers.values()]
    worst = max((state for state in breakers if state is not None), default=None)
    return IdentityRow(
        identity=identity,
        workers=len(workers),
        committed_per_s=rate("outbox_outcomes_total", kind="committed"),
        failed_per_s=rate("outbox_outcomes_total", kind="failed"),
        retries_per_s=rate("outbox_retries_total"),
        window_in_use=gauge("outbox_window_in_use"),
        window_limit=gauge("outbox_window_limit"),
        waiting=gauge("outbox_window_waiting"),
        lanes=gauge("outbox_lanes"),
        held=gauge("outbox_commands_held"),
        breaker=None if worst is None else _BREAKERS.get(worst, str(worst)),
        blocks_behind=gauge("outbox_gateway_blocks_behind"),
    )


def _stage(stage: Stage, now: Look, before: Look | None, times_since: Look | None) -> StageRow:
    since = {} if times_since is None else times_since.scrapes
    looks = [(samples, since.get(target, Samples())) for target, samples in now.scrapes.items()]
    cumulative = buckets(looks, STAGE_LATENCY, stage=stage)
    return StageRow(
        stage=stage,
        per_s=_rate(now.scrapes, now, before, f"{STAGE_LATENCY}_count", stage=stage),
        p50_s=quantile(0.5, cumulative),
        p95_s=quantile(0.95, cumulative),
    )


def _rate(scrapes: Mapping[Target, Samples], now: Look, before: Look | None, name: str, **labels: str) -> float | None:
    """Per second, of the processes that both looks have seen."""
    if before is None or now.at <= before.at:
        return None
    both = [(samples, before.scrapes[target]) for target, samples in scrapes.items() if target in before.scrapes]
    growth = sum(grown(newer, older, name, **labels) for newer, older in both)
    return growth / (now.at - before.at) if both else None


def _lags(now: Look, monitor: Samples) -> list[LagRow]:
    """As the monitor says, else as Kafka says."""
    told = {
        labels["group"]: LagRow(
            group=labels["group"],
            records=int(records),
            seconds=monitor.largest("kafka_consumergroup_group_max_lag_seconds", group=labels["group"]),
        )
        for labels, records in monitor.having("kafka_consumergroup_group_sum_lag")
    }
    for group, records in (now.lags or {}).items():
        told.setdefault(group, LagRow(group=group, records=records, seconds=None))
    return list(told.values())
