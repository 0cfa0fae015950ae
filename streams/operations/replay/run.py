"""Beginning a replay, and going on with one: what is checked first, and what is written into the record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import KafkaException

from streams.errors import PipelineError
from streams.operations.audit import acting, new_action, record
from streams.operations.replay.again import Again
from streams.operations.replay.execute import BEAT_S, LOST_AFTER_S, Execution, check_partitions, this_process
from streams.operations.replay.plan_file import Plan
from streams.operations.replay.progress import Controls, read_controls, tell_pause, tell_progress
from streams.operators import ReplayProgress, ReplayState
from streams.postgres.profiles import load_profile
from streams.routes.table import load_routes
from streams.settings import ToolSettings

NAMED = 3
OF_PACE = ("rate", "share", "max", "yes-replay", "json")
"""Flags of a call that executes, not of the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`share` of the window, 0 to 1; `rate` commands a second; at most `most` commands; None: no limit."""

    share: float
    rate: float | None = None
    most: int | None = None


def begin(settings: ToolSettings, plan: Plan, pace: Pace, tell: Callable[[ReplayProgress], None]) -> ReplayProgress:
    """Execute a plan to its end; the record of operators' actions is written before the first command.

    Raises PipelineError: the plan is stale, or is being or has been executed; KafkaException.
    """
    bootstrap_servers, now = settings.kafka.bootstrap_servers, datetime.now(UTC)
    _refuse_what_is_old(plan, now)
    check_partitions(bootstrap_servers, load_routes(settings.routes).identities)
    progress = ReplayProgress(
        replay_id=uuid.uuid4().hex[:12],
        plan_id=plan.head.plan_id,
        plan_file=str(plan.file.resolve()),
        state=ReplayState.RUNNING,
        by=acting(settings.operator),
        worker=this_process(),
        share=pace.share,
        rate=pace.rate,
        planned=len(plan) if pace.most is None else min(pace.most, len(plan)),
        handled=0,
        published=0,
        changed=0,
        gone=0,
        started_at=now,
        happened_at=now,
    )
    with _controls(bootstrap_servers) as controls:
        if (other := controls.by_plan(plan.head.plan_id)) is not None:
            raise PipelineError(
                f"{plan.file}: this plan is replay {other.replay_id} already ({other.state}); make a new one,"
                f" or: streams replay resume {other.replay_id}"
            )
        with _execution(settings, plan, progress, controls, tell) as execution:
            _refuse_what_has_changed(plan, execution)
            _record(settings, "replay", progress, _flags(plan, pace), plan.head.counts)
            tell_progress(bootstrap_servers, progress)
            return published(execution)


def published(execution: Execution) -> ReplayProgress:
    """The replay at its end. Raises PipelineError, which names the way on, when it stops before."""
    try:
        return execution.run()
    except KafkaException as error:
        at = execution.progress
        raise PipelineError(
            f"replay {at.replay_id} stopped after {at.handled} of {at.planned} commands: {error};"
            f" go on with: streams replay resume {at.replay_id}"
        ) from error


def _flags(plan: Plan, pace: Pace) -> dict[str, str]:
    """For the record: the filters of the plan, and the pace of now (a plan's own pace was that of another call)."""
    of_plan = {name: told for name, told in plan.head.flags.items() if name not in OF_PACE}
    limit = {} if pace.most is None else {"max": str(pace.most)}
    return {**of_plan, **limit, "execute": "True", "plan": str(plan.file), "plan_id": plan.head.plan_id}


def _refuse_what_is_old(plan: Plan, now: datetime) -> None:
    if plan.is_stale(now):
        made_at = f"{plan.head.made_at:%Y-%m-%d %H:%M} UTC"
        raise PipelineError(f"{plan.file}: the plan is of {made_at}, older than an hour: make a new one")


def _refuse_what_has_changed(plan: Plan, execution: Execution) -> None:
    if changed := execution.changed_since():
        named = f"{', '.join(changed[:NAMED])}{', ...' if len(changed) > NAMED else ''}"
        raise PipelineError(
            f"{plan.file}: the plan is stale: {len(changed)} of its commands have a newer outcome ({named});"
            " make a new one"
        )


def pause(settings: ToolSettings, replay_id: str) -> None:
    """Hold a replay: nothing more is published, and what was delivered is held by workers that know pauses.

    Raises PipelineError (no such replay), KafkaException.
    """
    with _controls(settings.kafka.bootstrap_servers) as controls:
        _switch(settings, controls.of(replay_id), is_paused=True)


def resume(
    settings: ToolSettings,
    replay_id: str,
    plan_file: Path | None,
    rate: float | None,
    tell: Callable[[ReplayProgress], None],
) -> ReplayProgress:
    """Let a replay go on: in the process that publishes it, or, if that is gone, in this one, to the end.

    `rate`: None: that of before. Raises PipelineError: no such replay, or its plan is not there or too old: then it
    stays paused; KafkaException.
    """
    bootstrap_servers = settings.kafka.bootstrap_servers
    with _controls(bootstrap_servers) as controls:
        progress = controls.of(replay_id)
        if progress.state is ReplayState.FINISHED or _somebody_publishes(controls, progress):
            # What was delivered is held by the workers until they read this, also after the last was published.
            _switch(settings, progress, is_paused=False)
            return controls.of(replay_id)
        with _plan_of(progress, plan_file) as plan:
            own = replace(progress, worker=this_process(), by=acting(settings.operator), rate=rate or progress.rate)
            _switch(settings, own, is_paused=False)
            tell_progress(bootstrap_servers, own)
            with _execution(settings, plan, own, controls, tell) as execution:
                return published(execution)


@contextmanager
def _plan_of(progress: ReplayProgress, plan_file: Path | None) -> Iterator[Plan]:
    """The plan of a replay that goes on. Raises PipelineError: it is not there, another one, or older than an hour."""
    file = plan_file or Path(progress.plan_file)
    if not file.exists():
        raise PipelineError(f"{file}: the plan of replay {progress.replay_id} is not there; name it with --plan")
    with Plan(file) as plan:
        if plan.head.plan_id != progress.plan_id:
            raise PipelineError(f"{file}: is not the plan of replay {progress.replay_id}")
        _refuse_what_is_old(plan, datetime.now(UTC))
        yield plan


def _somebody_publishes(controls: Controls, seen: ReplayProgress) -> bool:
    """Whether it is heard of within two beats; at once, if the last word is old."""
    due_at = time.monotonic() + 2 * BEAT_S
    if (datetime.now(UTC) - seen.happened_at).total_seconds() > LOST_AFTER_S:
        return False
    while time.monotonic() < due_at:
        controls.look()
        if controls.of(seen.replay_id) != seen:
            return True
        time.sleep(BEAT_S / 8)
    return False


def _switch(settings: ToolSettings, progress: ReplayProgress, *, is_paused: bool) -> None:
    bootstrap_servers, by = settings.kafka.bootstrap_servers, acting(settings.operator)
    action = "pause" if is_paused else "resume"
    _record(settings, action, progress, {}, {"handled": progress.handled})
    tell_pause(bootstrap_servers, progress.replay_id, is_paused=is_paused, by=by, reason=f"streams replay {action}")


def _record(
    settings: ToolSettings,
    action: str,
    progress: ReplayProgress,
    flags: Mapping[str, str],
    counts: Mapping[str, int],
) -> None:
    rate = {} if progress.rate is None else {"rate": f"{progress.rate:g}"}
    told = new_action(
        action,
        by=acting(settings.operator),
        flags={**flags, **rate, "replay_id": progress.replay_id, "share": f"{progress.share:g}"},
        counts={**counts, "planned": progress.planned},
    )
    record(settings.kafka.bootstrap_servers, told)


@contextmanager
def _controls(bootstrap_servers: str) -> Iterator[Controls]:
    controls = read_controls(bootstrap_servers)
    try:
        yield controls
    finally:
        controls.tail.close()


@contextmanager
def _execution(
    settings: ToolSettings,
    plan: Plan,
    progress: ReplayProgress,
    controls: Controls,
    tell: Callable[[ReplayProgress], None],
) -> Iterator[Execution]:
    profile = load_profile(settings.postgres.profile)
    again = Again(
        settings.kafka.bootstrap_servers,
        profile.cdc_topic(settings.kafka.topic_prefix),
        load_routes(settings.routes),
        profile,
    )
    with again:
        execution = Execution(settings.kafka.bootstrap_servers, plan, progress, again, controls, tell)
        try:
            yield execution
        finally:
            execution.close()
